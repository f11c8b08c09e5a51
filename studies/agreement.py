"""The tabletop against recorded episodes of the real VIMA-Bench: what it shows, and what actions do.

Three questions about each recorded scene (layout: instar.simulators.tabletop.scenes):

    boxes     at the recorded poses, do our cameras see every thing in the box in which the real ones saw it?
    replay    from the recorded first frame on, do the recorded actions lead to the recorded poses and verdicts?
    success   does the recorded demonstration, which succeeded there, succeed here?

    python -m studies.agreement ../shared/data/vima_scenes.json
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from instar.demo import Box
from instar.metrics import wilson
from instar.robot import Floats
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.render import box_of
from instar.simulators.tabletop.render import scene as draw
from instar.simulators.tabletop.scenes import Frame, Scene, problem_of, read_scenes
from instar.simulators.tabletop.simulator import done
from instar.simulators.tabletop.tasks.problem import Verdict
from instar.simulators.tabletop.views import VIEWS
from studies.pages import RESULTS, table, write_section

PIXELS: Final = 2  # a box agrees if each of its sides is as near as that
METRES: Final = 0.005  # a place agrees if it is as near as that
MOVED: Final = 0.005  # what went further in one action counts as moved ...
TURNED: Final = float(np.radians(5))  # ... and so does what turned further
WORST: Final = 8  # cases of a kind that are listed


@dataclass(frozen=True)
class Case:
    """One comparison: how far apart, whether that is agreement, and where to look."""

    off: float
    agrees: bool
    what: str


@dataclass(frozen=True)
class Findings:
    """All comparisons of one scene."""

    scene: Scene
    boxes: tuple[Case, ...]  # pixels; every thing in every frame in both cameras, at the recorded pose
    replayed: tuple[Case, ...]  # pixels; the same after our own replay
    moved: tuple[Case, ...]  # metres; things that the real world moved in an action, after it
    places: tuple[Case, ...]  # metres; every loose thing after every action
    flags: tuple[Case, ...]  # success and failure after every action
    success: tuple[Case, ...]  # of the whole demonstration; none where the real one failed


def examine(scene: Scene, name: str) -> Findings:
    """All comparisons of a scene that is called `name`."""
    boxes = [case for k, frame in enumerate(scene.frames) for case in _boxes(frame.bodies, frame, f"{name}, frame {k}")]
    tables, verdicts = replay(scene)
    replayed: list[Case] = []
    places: list[Case] = []
    moved: list[Case] = []
    for k, bodies in enumerate(tables, start=1):
        replayed += _boxes(bodies, scene.frames[k], f"{name}, replayed frame {k}")
        went = _moved(scene.frames[k - 1].bodies, scene.frames[k].bodies)
        cases = _places(bodies, scene.frames[k].bodies, f"{name}, after action {k}")
        places += cases
        moved += [case for case, gone in zip(cases, went, strict=True) if gone]
    flags = [
        _verdict(verdict, real, f"{name}, action {k}")
        for k, (verdict, real) in enumerate(zip(verdicts, scene.flags, strict=True), start=1)
    ]
    won = [_verdict(verdicts[-1], (True, False), f"{name}, at the end")] if scene.flags[-1][0] else []
    return Findings(scene, tuple(boxes), tuple(replayed), tuple(moved), tuple(places), tuple(flags), tuple(won))


def replay(scene: Scene) -> tuple[list[tuple[Body, ...]], list[Verdict]]:
    """Our table and verdict after each recorded action; a verdict that ended the episode stands to the end."""
    problem, bodies = problem_of(scene), scene.frames[0].bodies
    problem.rule.begin(bodies)
    tables: list[tuple[Body, ...]] = []
    verdicts: list[Verdict] = []
    for action in scene.actions:
        bodies, trails = done(problem.tool, bodies, action)
        over = verdicts and verdicts[-1].over
        verdicts.append(verdicts[-1] if over else problem.rule.judge(bodies, trails))
        tables.append(bodies)
    return tables, verdicts


def _verdict(verdict: Verdict, recorded: tuple[bool, bool], where: str) -> Case:
    names = {(True, False): "success", (False, True): "failure", (False, False): "neither"}
    ours = (verdict.success, bool(verdict.failure))
    why = f" ({verdict.failure})" if verdict.failure else ""
    return Case(float(ours != recorded), ours == recorded, f"{where}: {names[ours]}{why}, recorded {names[recorded]}")


def _boxes(bodies: Sequence[Body], frame: Frame, where: str) -> Iterator[Case]:
    for view in VIEWS:
        ids = draw(bodies, view).ids
        for body in bodies:
            ours, real = box_of(ids == body.id), frame.boxes[view.name].get(body.id)
            off = _apart(ours, real)
            yield Case(
                off, off <= PIXELS, f"{where}: {body.name} from the {view.name}, {_text(ours)} and {_text(real)}"
            )


def _apart(one: Box | None, two: Box | None) -> float:
    """The largest difference of two boxes in pixels; infinite where only one is there."""
    if one is None or two is None:
        return 0.0 if one is two else np.inf
    pairs = ((one.left, two.left), (one.top, two.top), (one.right, two.right), (one.bottom, two.bottom))
    return float(max(abs(a - b) for a, b in pairs))


def _text(box: Box | None) -> str:
    return "hidden" if box is None else f"{box.left} {box.top} {box.right} {box.bottom}"


def _distances(ours: Sequence[Body], real: Sequence[Body]) -> Floats:
    pairs = [(a, b) for a, b in zip(ours, real, strict=True) if a.shape.loose]
    return np.array([np.hypot(a.x - b.x, a.y - b.y) for a, b in pairs])


def _moved(before: Sequence[Body], after: Sequence[Body]) -> list[bool]:
    """Which loose things went or turned."""
    turns = [abs(_half_turn(a.yaw - b.yaw)) for a, b in zip(before, after, strict=True) if a.shape.loose]
    went = _distances(before, after).tolist()
    return [far > MOVED or turn > TURNED for far, turn in zip(went, turns, strict=True)]


def _half_turn(angle: float) -> float:
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _places(ours: Sequence[Body], real: Sequence[Body], where: str) -> list[Case]:
    loose = [body for body in ours if body.shape.loose]
    return [
        Case(off, off <= METRES, f"{where}: {body.name} is {1000 * off:.0f} mm away")
        for body, off in zip(loose, _distances(ours, real).tolist(), strict=True)
    ]


COLUMNS: Final[Mapping[str, Callable[[Findings], Sequence[Case]]]] = {
    "boxes within 2 px": lambda found: found.boxes,
    "verdicts equal": lambda found: found.flags,
    "moved things within 5 mm": lambda found: found.moved,
    "all loose things within 5 mm": lambda found: found.places,
    "boxes after replay": lambda found: found.replayed,
    "suction episodes won": lambda found: found.success if found.scene.record.ee == "suction" else (),
}


def cases(findings: Sequence[Findings], column: str) -> list[Case]:
    """All comparisons of one kind."""
    return [case for found in findings for case in COLUMNS[column](found)]


def share(found: Sequence[Case]) -> float:
    """The share of comparisons that agree; 1 without any."""
    return float(np.mean([case.agrees for case in found])) if found else 1.0


def report(findings: Sequence[Findings]) -> str:
    """The table by task, all together and for further episodes of the same pairs, and the worst cases."""
    pairs: set[str] = set()
    first: list[Findings] = []
    more: list[Findings] = []
    for found in findings:
        (more if found.scene.name in pairs else first).append(found)
        pairs.add(found.scene.name)
    tasks = dict.fromkeys(found.scene.record.task for found in first)
    rows = [_row(task, [found for found in first if found.scene.record.task == task]) for task in tasks]
    rows.append(_row(f"**all {len(first)} pairs**", first))
    if more:
        rows.append(_row(f"**{len(more)} more episodes**", more))
    lists = [
        f"{column}:\n\n{_worst(cases(findings, column))}" for column in COLUMNS if share(cases(findings, column)) < 1
    ]
    return "\n\n".join([table(["task", *COLUMNS], rows), "Where they differ most:", *lists])


def _row(name: str, findings: Sequence[Findings]) -> list[str]:
    return [name, *(_cell(cases(findings, column)) for column in COLUMNS)]


def _cell(found: Sequence[Case]) -> str:
    if not found:
        return "-"
    hits = sum(case.agrees for case in found)
    interval = wilson(hits, len(found))
    return f"{100 * hits / len(found):.1f} % of {len(found)} ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def _worst(found: Sequence[Case]) -> str:
    wrong = sorted((case for case in found if not case.agrees), key=lambda case: -case.off)
    return "\n".join(f"* {case.what}" for case in wrong[:WORST])


INTRODUCTION: Final = """## The tabletop and the real VIMA-Bench

```console
{command}
```

From episodes of the scripted demonstrator that were recorded in the real VIMA-Bench, one for each pair of partition and
task and a few more. Shares have their number of comparisons and their Wilson interval at 95 %.

* *Boxes within 2 px*: at the recorded poses, every side of the box of everything visible, in every frame and from both
  cameras.
* *Verdicts equal*: our table replays the recorded actions from the first frame on; success and failure after each.
* *Moved things within 5 mm*: where the replay puts what the real world moved (by 5 mm) or turned (by 5 degrees) in that
  action; *all loose things* has what should have stayed, too. Errors add up over an episode.
* *Boxes after replay*: those of the replayed table against the recorded ones.
* *Suction episodes won*: demonstrations that succeed on our table as they did there."""
UNSEEN: Final = """### Episodes that nobody saw while the rules were made

Recorded on seeds of their own and first looked at for this table. *Disturbed*: every other action of the demonstrator
is moved about, so that things end at edges, on one another and where they should not be.

```console
python -m studies.record --python PATH --seeds 2 --first-seed 600000 plain.json
python -m studies.record --python PATH --seeds 3 --first-seed 500000 --disturbed disturbed.json
```"""


def examined(path: Path) -> list[Findings]:
    """All scenes of a file, examined."""
    return [examine(scene, f"scene {k} ({scene.name})") for k, scene in enumerate(read_scenes(path))]


def summary(files: Sequence[Path]) -> str:
    """One row for each file."""
    rows = [_row(f"{len(found)} {path.stem} episodes", found) for path in files if (found := examined(path))]
    return table(["episodes", *COLUMNS], rows)


def main() -> None:
    """Print the tables and write them into the results page."""
    parser = argparse.ArgumentParser(description="the tabletop against recorded episodes of the real VIMA-Bench")
    parser.add_argument("scenes", type=Path, help="a file of recorded scenes")
    parser.add_argument("--unseen", type=Path, nargs="*", default=[], help="more files, for a row each")
    parser.add_argument("--print-only", action="store_true", help="leave docs/results.md as it is")
    options = parser.parse_args()
    text = report(examined(options.scenes))
    if options.unseen:
        text += f"\n\n{UNSEEN}\n\n{summary(options.unseen)}"
    sys.stdout.write(text + "\n")
    if not options.print_only:
        files = "".join(f" {path.name}" for path in options.unseen)
        command = f"python -m studies.agreement ../shared/data/{options.scenes.name}" + (files and f" --unseen{files}")
        write_section(RESULTS, "agreement", f"{INTRODUCTION.format(command=command)}\n\n{text}")


if __name__ == "__main__":
    main()
