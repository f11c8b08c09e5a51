"""What is odd about demonstrations before anybody learns from them: their numbers, words, pictures and grippers.

Every episode is read once, of its pictures only the first of each camera. What counts as odd stands in the constants.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from instar.demo import DemoSource, Episode, Image
from instar.errors import DataError
from instar.files import digest
from instar.findings import Finding
from instar.progress import Progress, silent
from instar.robot import Floats, Robot
from instar.seeing.track import Quality, Track, quality

MOST: Final = 1000  # episodes that are looked at, evenly spread
GRIPPER: Final = "gripper"  # the dimension that is 1 open and 0 closed
STILL: Final = 1e-4  # of a dimension's range: less is no motion, as OpenVLA's no-ops (Kim et al., 2024)
IDLE: Final = 0.3  # share of still steps above which a policy may learn to stand still
JUMP: Final = 0.5  # of a dimension's range within one step
DARK: Final = 8.0  # mean of a picture, of 255
FLAT: Final = 2.0  # standard deviation of a picture, of 255
SHORT: Final = 0.2  # of the middle length; less is a recording that was stopped at once
COVERED: Final = 0.8  # share of frames whose end effector is known, below which traces are mostly gaps
LEAP: Final = 0.25  # of a picture's longer side within one step
OFF: Final = 0.05  # of a picture's longer side between a detector and the camera's map, in the middle
NAMED: Final = 3  # so many examples are named


@dataclass(frozen=True, eq=False)
class Look:
    """What is kept of one episode."""

    id: str
    robot: Robot
    words: str
    actions: Floats  # (T, D)
    states: Floats  # (T, S)
    first: Mapping[str, Image]  # by camera
    tracks: Mapping[str, Track] = field(default_factory=dict)  # by camera: the end effector, where anybody knows

    @property
    def print(self) -> str:
        """Equal for episodes that are the same recording."""
        return digest([self.words, self.actions.tolist(), [image.digest for image in self.first.values()]])


@dataclass(frozen=True, eq=False)
class Survey:
    """What was seen of some demonstrations."""

    count: int  # episodes there are
    looks: Sequence[Look]
    unreadable: Mapping[str, str] = field(default_factory=dict)  # why, by id

    @property
    def robot(self) -> Robot:
        """Whose actions they are: those of the first one."""
        return self.looks[0].robot

    @property
    def actions(self) -> Floats:
        """All actions, (N, D)."""
        return np.concatenate([look.actions for look in self.looks])


def survey(source: DemoSource, most: int = MOST, progress: Progress = silent) -> Survey:
    """Read episodes of `source`, evenly spread where there are more than `most`."""
    ids = list(source.ids())
    chosen = [ids[k] for k in sorted({int(k) for k in np.linspace(0, len(ids) - 1, min(len(ids), most))})]
    looks: list[Look] = []
    unreadable: dict[str, str] = {}
    for done, id in enumerate(chosen):
        progress(done, len(chosen), f"{len(unreadable)} unreadable")
        try:
            looks.append(_look(source.episode(id)))
        except DataError as error:
            unreadable[id] = str(error)
    return Survey(len(ids), looks, unreadable)


def findings(found: Survey) -> list[Finding]:
    """All there is to say, what is wrong and what is well."""
    said = [_counts(found), *_unreadable(found)]
    if found.looks:
        said += [*_lengths(found), *_words(found), *_repeats(found), *_cameras(found), *_traces(found), *_robots(found)]
    if len({look.actions.shape[1] for look in found.looks}) == 1:
        said += [*_numbers(found), *_motion(found), *_jumps(found), *_grippers(found)]
    return said


def _look(episode: Episode) -> Look:
    if episode.length == 0:
        raise DataError(f"{episode.id}: no actions")
    steps = [episode.steps[t] for t in range(episode.length)]
    first = steps[0].observation.images
    for camera in first:
        first[camera].require_whole()
    return Look(
        episode.id,
        episode.robot,
        episode.instruction.text,
        np.stack([episode.action(t) for t in range(episode.length)]),
        np.stack([step.observation.state for step in steps]),
        dict(first),
        {camera.name: Track.of(episode, camera) for camera in episode.robot.cameras},
    )


def _counts(found: Survey) -> Finding:
    steps = sum(len(look.actions) for look in found.looks)
    looked = len(found.looks) + len(found.unreadable)
    of = "" if looked == found.count else f"; {looked:,} of them were looked at, with"
    text = f"{found.count:,}{of or ' with'} {steps:,} actions"
    return Finding("ok" if steps else "error", "episodes", text, "" if steps else "look for the folder that holds them")


def _unreadable(found: Survey) -> Iterator[Finding]:
    if found.unreadable:
        first = next(iter(found.unreadable.values()))
        text = f"{len(found.unreadable):,} cannot be read, first: {first}"
        yield Finding("error", "damage", text, "get these files anew; a build leaves such episodes out and counts them")


def _lengths(found: Survey) -> Iterator[Finding]:
    lengths = np.array([len(look.actions) for look in found.looks])
    low, middle, high = lengths.min(), int(np.median(lengths)), lengths.max()
    short = [look.id for look in found.looks if len(look.actions) < SHORT * middle]
    text = f"{low:,} to {high:,} actions, the middle one {middle:,}"
    if short:
        yield _warning("lengths", f"{text}; {_some(short)} are far shorter", "leave out what was stopped at once")
    else:
        yield Finding("ok", "lengths", text)


def _words(found: Survey) -> Iterator[Finding]:
    counts = Counter(look.words for look in found.looks)
    mute = [look.id for look in found.looks if not look.words.strip()]
    text = f"{len(counts) - bool(mute):,} different"
    if mute:
        remedy = "a policy cannot be told what to do by them: name them or leave them out"
        yield _warning("instructions", f"{text}; {_some(mute)} have none", remedy)
    else:
        yield Finding("ok", "instructions", f"{text}, most often {counts.most_common(1)[0][0]!r}")


def _repeats(found: Survey) -> Iterator[Finding]:
    same = defaultdict(list)
    for look in found.looks:
        same[look.print].append(look.id)
    copies = [id for ids in same.values() for id in ids[1:]]
    if copies:
        remedy = "count them once: repeated episodes weigh more, and may lie on both sides of a split"
        yield _warning("copies", f"{_some(copies)} are the same as an earlier one", remedy)


def _cameras(found: Survey) -> Iterator[Finding]:
    names = dict.fromkeys(camera for look in found.looks for camera in look.first)
    if not names:
        yield Finding("error", "cameras", "no pictures", "these demonstrations have nothing to see")
    for camera in names:
        seen = [(look.id, look.first[camera].pixels) for look in found.looks if camera in look.first]
        sizes = Counter(f"{pixels.shape[1]} x {pixels.shape[0]}" for _, pixels in seen)
        text = ", ".join(sizes) + f" in {len(seen):,} of {len(found.looks):,} episodes"
        empty = [id for id, pixels in seen if pixels.mean() < DARK or pixels.std() < FLAT]
        subject = f"camera {camera}"
        if empty:
            yield _warning(subject, f"{text}; {_some(empty)} begin dark or of one colour", "use another camera there")
        elif len(sizes) > 1 or len(seen) < len(found.looks):
            yield _warning(subject, text, "choose cameras that every episode has, in one size")
        else:
            yield Finding("ok", subject, text)


def _traces(found: Survey) -> Iterator[Finding]:
    """Where the end effector is in the pictures, of every camera of which anybody knows."""
    for camera in found.robot.cameras:
        tracks = [look.tracks[camera.name] for look in found.looks if camera.name in look.tracks]
        watched = any(track.watched for track in tracks)
        told = quality(tracks if watched else [track.worked_out for track in tracks])
        if not told.points:
            continue
        longer = max(camera.height, camera.width)
        text = (
            f"{'seen' if watched else 'worked out'} in {told.coverage:.1%} of {told.frames:,} frames{_steadily(told)}"
        )
        odd = _wild(told, longer)
        if odd:
            remedy = "look at these; teach the detector more, or raise its threshold" if watched else "look at these"
            yield _warning(f"trace {camera.name}", f"{text}; {odd}", remedy)
        else:
            yield Finding("ok", f"trace {camera.name}", text)


def _steadily(told: Quality) -> str:
    """How long gaps are, how far points are apart, and how true they are."""
    parts = [f"the longest gap {told.gap:,} ({told.gap_where})" if told.gap else "no gap"]
    if told.jumps:
        parts.append(f"{told.jumps.q99:.1f} pixels a step in 99 % of them, {told.jumps.largest:.1f} at most")
        parts[-1] += f" ({told.jumps.where})"
    if told.errors:
        parts.append(f"off by {told.errors.median:.1f} pixels, in 90 % by less than {told.errors.q90:.1f}")
    return "".join(f"; {part}" for part in parts)


def _wild(told: Quality, longer: int) -> str:
    """What of that is odd in pictures so long."""
    odd = []
    if told.never:
        odd.append(f"{_some(told.never)} never show it")
    if told.coverage < COVERED:
        odd.append("traces are mostly gaps" if told.coverage < 0.5 else "traces have many gaps")
    if told.jumps and told.jumps.largest > LEAP * longer:
        odd.append("it leaps")
    if told.errors and told.errors.median > OFF * longer:
        odd.append("it is seen beside its place")
    return "; ".join(odd)


def _robots(found: Survey) -> Iterator[Finding]:
    names = Counter(f"{look.robot.name}, {look.robot.control}" for look in found.looks)
    spaces = {(look.robot.actions, look.robot.state) for look in found.looks}
    if len(spaces) > 1:
        yield Finding("error", "robot", "; ".join(names), "read each of them as a source of its own")
    else:
        yield Finding("ok", "robot", "; ".join(names))


def _numbers(found: Survey) -> Iterator[Finding]:
    low, high = found.actions.min(axis=0), found.actions.max(axis=0)
    names = found.robot.actions.names
    told = [f"{name} {a:.3g} to {b:.3g}" for name, a, b in zip(names, low, high, strict=True)]
    constant = [name for name, a, b in zip(names, low, high, strict=True) if a == b]
    if constant:
        remedy = "such a dimension is learned as a constant; check that the right features make the action"
        yield _warning("actions", f"{', '.join(told)}; {', '.join(constant)} never change", remedy)
    else:
        yield Finding("ok", "actions", ", ".join(told))


def _motion(found: Survey) -> Iterator[Finding]:
    """How often nothing happens: a motion of nothing, or a place that is the last one."""
    space = found.robot.actions
    moving = [k for k, name in enumerate(space.names) if name != GRIPPER]
    span = np.maximum(np.ptp(found.actions, axis=0), 1e-12)
    still = total = 0
    idle = []
    for look in found.looks:
        grip = np.diff(look.actions, axis=0, prepend=look.actions[:1])
        motion = look.actions if space.mode == "delta" else grip
        moves = (np.abs(motion[:, moving]) > STILL * span[moving]).any(axis=1) | (np.abs(grip) > STILL * span).any(
            axis=1
        )
        quiet = int((~moves[1:]).sum()) if space.mode == "absolute" else int((~moves).sum())
        still, total = still + quiet, total + len(moves)
        idle += [look.id] if quiet > 0.9 * len(moves) else []
    text = f"{still / total:.1%} of all steps do nothing"
    if still > IDLE * total or idle:
        more = f"; {_some(idle)} hardly move at all" if idle else ""
        yield _warning("motion", text + more, "leave still steps out: a policy may learn to stand still")
    else:
        yield Finding("ok", "motion", text)


def _jumps(found: Survey) -> Iterator[Finding]:
    states = np.concatenate([look.states for look in found.looks])
    if states.size == 0:
        return
    low, high = np.quantile(states, (0.01, 0.99), axis=0)
    span = np.maximum(high - low, 1e-9)
    places = [name for name in found.robot.state if GRIPPER not in name]
    smooth = [k for k, name in enumerate(found.robot.state) if name in places]
    odd = []
    for look in found.looks:
        leaps = (np.abs(np.diff(look.states, axis=0)) > JUMP * span)[:, smooth]
        odd += [f"{look.id} step {t + 1} ({found.robot.state[smooth[k]]})" for t, k in np.argwhere(leaps)[:1]]
    if odd:
        yield _warning(
            "jumps", f"the state leaps in {_some(odd)}", "look there: frames may be missing, or angles turn over"
        )
    else:
        yield Finding("ok", "jumps", "the state leaps nowhere")


def _grippers(found: Survey) -> Iterator[Finding]:
    """Whether the gripper does what it is told, and begins open as most do."""
    names = found.robot.actions.names
    if GRIPPER not in names:
        return
    told = [look.actions[:, names.index(GRIPPER)] for look in found.looks]
    begins = float(np.mean([one[0] > 0.5 for one in told]))
    text = f"open at the start of {begins:.0%} of the episodes"
    follows = _follows(found, told)
    if follows is not None and follows < 0:
        yield _warning(GRIPPER, f"{text}; it closes where it is told to open", "its sign is the other way round")
    elif begins < 0.2:
        yield _warning(GRIPPER, text, "1 is open and 0 closed; if it begins closed in truth, this is well")
    else:
        yield Finding("ok", GRIPPER, text)


def _follows(found: Survey, told: Sequence[Floats]) -> float | None:
    """How what the gripper is told goes with how far it is open: a correlation; None where nobody can tell."""
    places = [k for k, name in enumerate(found.robot.state) if GRIPPER in name]
    if len(places) != 1:
        return None
    opened = np.concatenate([look.states[1:, places[0]] for look in found.looks])
    asked = np.concatenate([one[:-1] for one in told])
    if opened.std() == 0 or asked.std() == 0:
        return None
    return float(np.corrcoef(asked, opened)[0, 1])


def _warning(subject: str, text: str, remedy: str) -> Finding:
    return Finding("warn", subject, text, remedy)


def _some(ids: Sequence[str]) -> str:
    """How many, and the first of them by name."""
    more = f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else ""
    return f"{', '.join(ids[:NAMED])}{more}"
