"""Every kind of LLaRA's data made from real VIMA episodes, against values worked out from the raw files by numpy."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from instar.building.rows import Tools, rows_of
from instar.chat import Sample
from instar.demo import DemoSource, Episode
from instar.files import read_yaml
from instar.plugins import make
from instar.recipes.llara_bins import CHARACTERS
from tests.recipes.raw_vima import RawEpisode, located, read_raw, scene

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "vima_sample.zip"
pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason=f"no VIMA sample at {SAMPLE}")

PACK = read_yaml(Path(__file__).parents[2] / "src" / "instar" / "recipes" / "llara.yaml")
View = Literal["front", "top"]
VIEWS: tuple[View, ...] = ("front", "top")


@dataclass(frozen=True)
class Kind:
    """One of LLaRA's behaviour-cloning data sets."""

    actions: str
    describe: bool
    visual: bool
    multi: bool
    view: View

    @property
    def choice(self) -> str:
        options = {**vars(self), "camera": self.view}
        del options["view"]
        return "llara:" + ",".join(f"{key}={value}" for key, value in options.items())


KINDS = [
    Kind(actions, describe, visual, multi, view)
    for actions in ("sentence", "bins", "image-bins")
    for describe in (True, False)
    for visual in (True, False)
    for multi in (True, False)
    for view in VIEWS
]


@pytest.fixture(scope="module")
def source() -> DemoSource:
    found: DemoSource = make("demos", f"vima:{SAMPLE}")
    return found


@pytest.fixture(scope="module")
def episodes(source: DemoSource) -> list[Episode]:
    return [source.episode(id) for id in source.ids()]


@pytest.fixture(scope="module")
def raw() -> dict[tuple[str, View], RawEpisode]:
    with zipfile.ZipFile(SAMPLE) as archive:
        ids = [name.removesuffix("/trajectory.pkl") for name in archive.namelist() if name.endswith("/trajectory.pkl")]
        return {(id, view): read_raw(archive, id, view) for id in ids for view in VIEWS}


def words(episode: RawEpisode, slot: str, kind: Kind) -> str:
    """What stands in the task for a reference."""
    shown = "<image>" if kind.visual else ""
    if episode.is_scene(slot):
        return shown + (scene(episode.asset(slot)) if kind.describe else slot)
    [(name, place)] = episode.asset(slot)
    return shown + (located(name, place) if kind.describe else name)


def action(episode: RawEpisode, t: int, kind: Kind, name: str | None = None) -> str:
    if kind.actions == "sentence":
        return episode.sentence(t, name)
    numbers = np.array(episode.values(t, image=kind.actions == "image-bins"))
    assert ((numbers >= 0) & (numbers <= 1)).all()
    return "".join(CHARACTERS[int(place)] for place in np.round(numbers * 255))


def question(episode: RawEpisode, t: int, kind: Kind) -> str:
    task = episode.trajectory["prompt"]
    for slot in episode.assets:
        task = task.replace("{" + slot + "}", words(episode, slot, kind))
    form = PACK["format"]["spatula" if episode.spatula else "suction"] if kind.actions == "sentence" else ""
    done = [f"Step {k + 1}: {action(episode, k, kind, 'object')}" for k in range(t)]
    told = "\nYou have finished: " + "\n".join(done) if done else ""
    return f"<image>\n<task>{task}</task>\n{form}{told}"


def answer(episode: RawEpisode, t: int, kind: Kind) -> str:
    if not kind.multi:
        return f"Step {t + episode.length}: {action(episode, t, kind)}"
    return "\n".join(f"Step {k + 1}: {action(episode, k, kind)}" for k in range(t, episode.length))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.choice)
def test_every_kind_is_what_the_raw_files_say(
    kind: Kind, episodes: list[Episode], raw: dict[tuple[str, View], RawEpisode]
) -> None:
    recipe = make("recipes", f"{kind.choice},compat=true")
    for episode in episodes:
        told = raw[episode.id, kind.view]
        assert episode.length == told.length
        for t in range(told.length):
            asked = recipe.ask(episode.context(t, recipe.past))
            assert asked.question == question(told, t, kind)
            assert recipe.answer(episode, t) == answer(told, t, kind)
            pictures = [episode.steps[t].observation.images[kind.view]]
            slots = re.findall(r"\{(\w+)\}", told.trajectory["prompt"]) if kind.visual else []
            pictures += [episode.instruction.references[slot].images[kind.view] for slot in slots]
            assert [image.digest for image in asked.images] == [image.digest for image in pictures]


def numbers_in(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d{3}|(?<=\[)-?\d+(?=\])", text)]


@pytest.mark.parametrize("view", VIEWS)
def test_by_default_the_same_numbers_are_exact(
    view: View, episodes: list[Episode], raw: dict[tuple[str, View], RawEpisode]
) -> None:
    recipe = make("recipes", f"llara:multi=false,camera={view}")
    for episode in episodes:
        told = raw[episode.id, view]
        for t in range(told.length):
            x0, y0, turn, x1, y1 = numbers_in(recipe.answer(episode, t))
            exact = np.array(told.pixels(t)) / (256, 128, 256, 128)
            # A pixel's number begins at its left and upper border, half of one further than LLaRA's maps say.
            assert np.abs(np.array([x0, y0, x1, y1]) - exact).max() <= 0.0005 + 1e-9
            assert abs((turn + told.turn(t) + 180) % 360 - 180) <= 0.5
            assert recipe.answer(episode, t).startswith(f"Step {t + 1}: ")


TASKS = ("obj_det", "obj_loc", "act_pred", "fut_pred", "spa_rel", "tmp_rel")


@dataclass(frozen=True)
class Expected:
    """One sample of an auxiliary data set but for the template of its question."""

    id: str
    filled: tuple[str, ...]  # what the template must mention
    answer: str


def looks(episode: RawEpisode) -> Iterator[tuple[str, list[Any]]]:
    """Every picture with what it shows: frames, then references."""
    yield from ((str(t), episode.frame(t)) for t in range(episode.length + 1))
    yield from ((f"a_{slot}", episode.asset(slot)) for slot in episode.assets)


def pairs(boxes: list[Any]) -> list[tuple[str, str]]:
    names = list(dict(boxes))
    return [(ego, ref) for ego in names for ref in names if ego != ref]


def place(boxes: list[Any], ego: str, ref: str) -> str:
    (x, y, w, h), (rx, ry, rw, rh) = dict(boxes)[ego], dict(boxes)[ref]
    if x < rx:
        across = "left" if x + w / 2 < rx + rw / 2 else "horizontally containig"
    else:
        across = "horizontally containig" if x - w / 2 < rx - rw / 2 else "right"
    if y < ry:
        down = "top" if y + h / 2 < ry + rh / 2 else "vertically containig"
    else:
        down = "horizontally containig" if y - h / 2 < ry - rh / 2 else "bottom"
    return (
        f"{ego} is {across} and {down} from {ref} with 2d center distance (x,y) of <d>({x - rx:.3f}, {y - ry:.3f})</d> "
        f"and euclidean center distance of <e>{np.hypot(x - rx, y - ry):.3f}</e>."
    )


def change(before: list[Any], after: list[Any], ego: str, ref: str) -> str:
    gaps = [np.array(dict(boxes)[ego][:2]) - dict(boxes)[ref][:2] for boxes in (before, after)]
    far = float(np.hypot(*gaps[1]) - np.hypot(*gaps[0]))
    said = f"The distance between {ref} and {ego} does not change."
    if abs(far) > 0.01:
        said = f"{ref} moves {'far away from' if far > 0 else 'closer to'} {ego}."
    dx, dy = gaps[1] - gaps[0]
    return (
        f"{said} 2d center distance (x,y) of {ego} from {ref} changes by <d>({dx:.3f}, {dy:.3f})</d> "
        f"and Euclidean center distance between them <e>{far:.3f}</e>.\n"
    )


def expected(episode: RawEpisode, task: str) -> Iterator[Expected]:
    for key, boxes in looks(episode):
        t = int(key) if key.isdigit() else episode.length
        after = episode.frame(t + 1) if t < episode.length else []
        if task == "obj_det":
            yield Expected(key, (), scene(boxes))
        elif task == "obj_loc":
            yield from (Expected(key, (name,), f"{located(name, where)}.") for name, where in boxes)
        elif task == "act_pred" and after:
            yield Expected(key, (scene(after),), episode.sentence(t))
        elif task == "fut_pred" and after:
            sentence = episode.sentence(t)[:-1]
            yield Expected(key, (sentence[0].lower() + sentence[1:],), scene(after))
        elif task == "spa_rel":
            said = [place(boxes, *pair) for pair in pairs(boxes)]
            for k, (pair, text) in enumerate(zip(pairs(boxes), said, strict=True)):
                yield Expected(key, (*pair, said[k - 1][:-1]), text)
        elif task == "tmp_rel" and after:
            said = [change(boxes, after, *pair) for pair in pairs(boxes)]
            for k, (pair, text) in enumerate(zip(pairs(boxes), said, strict=True)):
                yield Expected(key, (*pair, said[k - 1], scene(after)), text)


def samples_of(episode: Episode, task: str, options: str) -> list[Sample]:
    tools = Tools(
        make("demos", f"vima:{SAMPLE}"),
        "llara",
        make("recipes", "llara"),
        {task: make("auxiliary", f"{task}:{options}")},
    )
    rows = rows_of(episode, tools, seed=7)
    return [sample for row in rows for sample in row.samples if sample.kind == task]


def is_a_template(text: str, filled: tuple[str, ...], task: str) -> bool:
    """Whether a question is one of the pack's templates with these fillings."""
    slots = {"obj_loc": ["object"], "act_pred": ["scene"], "fut_pred": ["action"], "spa_rel": ["ego", "ref", "example"]}
    order = slots.get(task, ["ego", "ref", "example", "scene"] if task == "tmp_rel" else [])
    values = dict(zip(order, filled, strict=True))
    filling = [re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template) for template in PACK[task]]
    return text in filling


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("task", TASKS)
def test_every_auxiliary_set_is_what_the_raw_files_say(
    task: str, view: View, episodes: list[Episode], raw: dict[tuple[str, View], RawEpisode]
) -> None:
    beginning = "<image>/n" if task == "tmp_rel" else "<image>\n"
    for episode in episodes:
        told = raw[episode.id, view]
        made = samples_of(episode, task, f"compat=true,camera={view}")
        wanted = list(expected(told, task))
        assert [sample.conversation.turns[1].text for sample in made] == [one.answer for one in wanted]
        keys = {key: [one for one in wanted if one.id == key] for key, _ in looks(told)}
        ids = [
            f"{episode.id}/{key}/{task}" + (f"/{n}" if len(ones) > 1 else "")
            for key, ones in keys.items()
            for n in range(len(ones))
        ]
        assert [sample.id for sample in made] == ids
        for sample, one in zip(made, wanted, strict=True):
            text = sample.conversation.turns[0].text
            assert text.startswith(beginning)
            text = text.removeprefix(beginning)
            if task == "act_pred":
                text, form = text.rsplit("\n", 1)
                assert form == PACK["format"]["spatula" if told.spatula else "suction"]
            assert is_a_template(text, one.filled, task)


def test_the_sizes_of_all_sets_follow_from_steps_objects_and_references(
    episodes: list[Episode], raw: dict[tuple[str, View], RawEpisode]
) -> None:
    for episode in episodes:
        told = raw[episode.id, "front"]
        frames, assets, steps = told.length + 1, len(told.assets), told.length
        objects = len(told.trajectory["obj_id_to_info"])
        distinct = len({name for name, _ in told.frame(0)})
        shown = sum(len(told.asset(slot)) for slot in told.assets)
        sizes = {
            "obj_det:references=true": frames + assets,
            "obj_det:references=false": frames,
            "obj_loc:references=true": frames * objects + shown,
            "obj_loc:references=false": frames * objects,
            "spa_rel:references=false": frames * distinct * (distinct - 1),
            "act_pred:camera=front": steps,
            "fut_pred:camera=front": steps,
            "tmp_rel:camera=front": steps * distinct * (distinct - 1),
        }
        for choice, size in sizes.items():
            assert len(samples_of(episode, *choice.split(":"))) == size
