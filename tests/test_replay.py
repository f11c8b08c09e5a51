"""Answers on record, played again on the tabletop."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instar import compat, markup, plugins
from instar.chat import Recipe
from instar.cli import run
from instar.demo import Context, Instruction, Observation
from instar.embodiments.vima import FRONT, VIMA
from instar.errors import ConfigError, DataError
from instar.policy import PolicySpec
from instar.replay import ReplayConfig, ReplayReport, replay
from instar.results import GLOBAL, ResultSettings, exported, read_results, write_results
from instar.robot import ActionChunk
from instar.rollout import Outcome, rollout
from instar.run import read_run
from instar.simulator import Simulator, Task, Trial
from instar.simulators.vima.actions import poses_of

RECIPE = "llara:compat=true"
BENCHMARK = "tabletop:tasks=rotate+sweep_without_exceeding+rearrange,suites=placement"
TASKS = ("rotate", "sweep_without_exceeding", "rearrange")
GARBLED = "I would rather not."


@dataclass(frozen=True)
class Speaking:
    """The tabletop's expert, who says every action in LLaRA's words and does what is read from them."""

    simulator: Simulator
    recipe: Recipe
    plan: int = 1  # steps in an answer

    @property
    def spec(self) -> PolicySpec:
        return PolicySpec("speaking", (), self.recipe.past, self.recipe.horizon)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        return [self._say(context) for context in contexts]

    def _say(self, context: Context) -> ActionChunk:
        expert = self.simulator.expert()
        assert expert is not None
        [chunk] = expert.act([context])
        tool = markup.tool(context.robot, context.observation.state)
        values = compat.Numbers(compat=True).values(chunk.actions[0], FRONT)
        sentence = markup.MOVES[tool].format({"object": "thing", **values})
        reply = "\n".join(f"Step {context.t + 1 + k}: {sentence}" for k in range(self.plan))
        return ActionChunk(self.recipe.read(reply, context), reply, self.recipe.ask(context).question)


def recorded(folder: Path, *, plan: int = 1, episodes: int = 2) -> Path:
    """A result file of episodes that were played on the tabletop."""
    simulator, recipe = plugins.make("simulators", "tabletop"), plugins.make("recipes", RECIPE)
    policy = Speaking(simulator, recipe, plan)
    trials = [Trial(Task(task, "placement", 4), 200_000 + k) for task in TASKS for k in range(episodes)]
    played = [rollout(policy, simulator, trial, replan=plan) for trial in trials]
    assert {record.outcome for record in played} >= {Outcome.SUCCESS}
    mode = "hso" if plan == 1 else "ho"
    settings = ResultSettings("speaking", prompt_mode=mode, prompt_id=100, num_env=episodes, max_length=4)
    return write_results(folder, settings, [exported(record) for record in played])


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("original"))


def again(path: Path, **options: Any) -> ReplayReport:
    return replay(replace(ReplayConfig(path, BENCHMARK, recipe=RECIPE), **options))


def tampered(path: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of a result file after `change` was done to its entries."""
    entries = json.loads(path.read_text())
    change(entries)
    changed = folder / path.name
    changed.write_text(json.dumps(entries))
    return changed


def first(entries: Mapping[str, Any], task: str) -> dict[str, Any]:
    entry: dict[str, Any] = entries[f"placement_generalization/{task}/200000"]
    return entry


@pytest.mark.parametrize("degrees", range(-180, 181, 7))
def test_what_reaches_vima_bench_is_bit_for_bit_what_the_original_sent(degrees: int) -> None:
    x0, y0, x1, y1 = (round(part, 3) for part in np.random.default_rng(degrees + 180).uniform(0, 1, 4))
    reply = f"Step 1: at <b>({x0:.3f},  {y0:.3f})</b>, rotate <r>[{degrees}]</r>, and at <b>({x1:.3f}, {y1:.3f})</b>."
    context = Context(VIMA, Instruction(""), Observation({}, np.zeros(1)))
    [action] = plugins.make("recipes", RECIPE).read(reply, context)
    poses = poses_of(action)
    half = np.radians(-float(degrees)) / 2
    assert poses["pose1_rotation"].tobytes() == np.array([0, 0, np.sin(half), np.cos(half)], np.float32).tobytes()
    assert poses["pose0_rotation"].tobytes() == np.array([0, 0, 0, 1], np.float32).tobytes()
    for place, x, y in (("pose0_position", x0, y0), ("pose1_position", x1, y1)):
        there = [(y * 128 - 34) / 178 + 0.25, (x * 256 - 3) / 251 - 0.5]
        assert poses[place].tobytes() == np.clip(there, (0.25, -0.5), (0.75, 0.5)).astype(np.float32).tobytes()


def test_every_episode_ends_as_recorded_and_was_asked_the_same(original: Path) -> None:
    report = again(original)
    assert (report.overall.same, report.overall.n) == (6, 6)
    assert {name: found.n for name, found in report.tasks.items()} == {f"placement/{task}": 2 for task in TASKS}
    assert (report.levels["placement"].same, report.levels["placement"].n) == (6, 6)
    assert (report.differences, report.crashed, report.left_out, report.unreadable.n) == ((), (), 0, 0)
    assert report.prompts is not None
    assert report.prompts.tasks.same == report.prompts.tasks.n >= 6
    assert report.prompts.histories.same == report.prompts.histories.n > 0


def test_worker_processes_change_nothing(original: Path) -> None:
    assert again(original, workers=1) == again(original)


def test_whole_answers_are_played_where_the_mode_does_not_ask_every_step(tmp_path: Path) -> None:
    path = recorded(tmp_path, plan=2, episodes=1)
    entries = json.loads(path.read_text())
    assert any(entry["step"] > len(entry["lm_answer_hist"]) for key, entry in entries.items() if key != GLOBAL)
    report = again(path)
    assert (report.overall.same, report.overall.n) == (3, 3)


def test_an_answer_that_was_tampered_with_is_found_out(original: Path, tmp_path: Path) -> None:
    def miss(entries: dict[str, Any]) -> None:
        entry = first(entries, "rotate")
        entry["lm_answer_hist"][0] = (
            "Step 1: Pick up the <p>thing</p> at <b>(0.020, 0.280)</b>, "
            "rotate <r>[0]</r> degrees, and drop it at <b>(0.021, 0.281)</b>."
        )

    report = again(tampered(original, tmp_path, miss))
    assert (report.overall.same, report.overall.n) == (5, 6)
    [difference] = report.differences
    assert difference.id == "placement_generalization/rotate/200000"
    assert str(difference.recorded) == "success after 1 step"
    assert difference.where == "step 1: the record ends here, the replay goes on"


def test_a_flag_that_was_tampered_with_is_found_out(original: Path, tmp_path: Path) -> None:
    def deny(entries: dict[str, Any]) -> None:
        first(entries, "rotate").update(success=False, failure=True)

    [difference] = again(tampered(original, tmp_path, deny)).differences
    assert (str(difference.recorded), str(difference.replayed)) == ("failure after 1 step", "success after 1 step")
    assert difference.where == "step 1: another ending"


def test_a_question_that_was_tampered_with_is_shown(original: Path, tmp_path: Path) -> None:
    def ask_otherwise(entries: dict[str, Any]) -> None:
        prompts = first(entries, "rotate")["lm_prompt_hist"]
        prompts[0] = prompts[0].replace("<task>", "<task>Please: ")

    prompts = again(tampered(original, tmp_path, ask_otherwise)).prompts
    assert prompts is not None
    assert prompts.tasks.n - prompts.tasks.same == 1
    [(place, theirs, ours)] = prompts.differing
    assert place == "placement_generalization/rotate/200000, question 1"
    assert theirs.startswith(f"Please: {ours[:40]}")


def garble(entries: dict[str, Any]) -> None:
    first(entries, "rotate")["lm_answer_hist"][0] = GARBLED


def test_an_unreadable_answer_ends_its_episode_and_is_counted_apart(original: Path, tmp_path: Path) -> None:
    report = again(tampered(original, tmp_path, garble), out=tmp_path / "run")
    assert (report.overall.same, report.overall.n) == (5, 5)
    assert (report.unreadable.same, report.unreadable.n) == (0, 1)
    record = next(one for one in read_run(tmp_path / "run").records if one.id == "placement/rotate/200000")
    assert (record.outcome, record.steps) == (Outcome.UNREADABLE, 0)


def test_an_unreadable_answer_can_lead_to_a_random_action_that_the_seed_decides(original: Path, tmp_path: Path) -> None:
    path = tampered(original, tmp_path, garble)
    actions = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        report = again(path, unreadable="random", seed=seed, out=tmp_path / name)
        assert (report.overall.n, report.unreadable.n) == (5, 1)
        record = next(one for one in read_run(tmp_path / name).records if one.id == "placement/rotate/200000")
        assert record.trace[0].reply == GARBLED
        assert record.trace[0].unreadable is not None
        actions.append(record.trace[0].action)
    assert actions[0] == actions[1] != actions[2]
    assert (actions[0][2], actions[0][5]) == (0.0, 0.0)


def test_a_replay_goes_on_from_its_folder(original: Path, tmp_path: Path) -> None:
    whole = again(original, out=tmp_path)
    assert str(original.parent) not in (tmp_path / "run.json").read_text()
    rows = (tmp_path / "episodes.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "episodes.jsonl").write_text("".join(rows[:2]))
    (tmp_path / "manifest.json").unlink()
    told: list[int] = []
    config = ReplayConfig(original, BENCHMARK, tmp_path, RECIPE)
    assert replay(config, lambda done, _total, _note: told.append(done)) == whole
    assert told == [2, 3, 4, 5, 6]
    with pytest.raises(ConfigError, match="other settings"):
        replay(replace(config, unreadable="random"))


def test_levels_tasks_and_a_limit_choose_what_is_played(original: Path) -> None:
    report = again(original, limit=1, tasks=("rotate", "rearrange"), levels=("placement",))
    assert set(report.tasks) == {"placement/rotate", "placement/rearrange"}
    assert (report.overall.n, report.left_out) == (2, 4)
    with pytest.raises(ConfigError, match="no task 'rotato'; it has: rearrange, rotate, sweep"):
        again(original, tasks=("rotato",))
    with pytest.raises(ConfigError, match="no level 'novel_task'"):
        again(original, levels=("novel_task",))


def test_refuses_to_play_nothing(original: Path) -> None:
    with pytest.raises(ConfigError, match="limit is 0; it must be at least 1"):
        ReplayConfig(original, BENCHMARK, limit=0)


def test_the_recipe_is_that_of_the_file_unless_another_is_named(original: Path, tmp_path: Path) -> None:
    def name_recipe(entries: dict[str, Any]) -> None:
        entries[GLOBAL]["recipe"] = "llara"

    named = tampered(original, tmp_path, name_recipe)
    assert again(original, recipe="", limit=1).recipe == RECIPE
    assert again(named, recipe="", limit=1, out=tmp_path / "run").recipe == "llara"
    assert again(named, limit=1).recipe == RECIPE
    assert read_run(tmp_path / "run").recipe == "llara"


def test_a_recipe_that_reads_nothing_is_suspected(original: Path, caplog: pytest.LogCaptureFixture) -> None:
    report = replay(ReplayConfig(original, BENCHMARK, recipe="llara:compat=true,actions=bins", limit=1))
    assert report.overall.n == 0 < report.unreadable.n
    assert "no episode without an unreadable answer" in caplog.text
    assert "--recipe" in caplog.text


def test_a_file_with_nothing_for_the_benchmark_is_refused(original: Path) -> None:
    with pytest.raises(DataError, match="none of its 6 episodes"):
        again(original, benchmark="tabletop:tasks=twist,suites=placement")


def test_the_command_line_tells_how_many_ended_as_recorded(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tampered(original, tmp_path, garble)
    words = ["replay", str(path), "--benchmark", BENCHMARK, "--limit", "1"]
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert "placement/rearrange" in shown
    assert "1 of 1" in shown
    assert "overall" in shown
    assert "2 of 2" in shown
    assert "3 recorded episodes were not played" in shown
    assert run([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["overall"], told["unreadable"]) == ({"same": 2, "n": 2}, {"same": 0, "n": 1})


def test_a_replay_is_exported_like_any_run(original: Path, tmp_path: Path) -> None:
    again(original, out=tmp_path / "run")
    assert run(["export", "results", "--run", str(tmp_path / "run"), "--out", str(tmp_path), "--quiet"]) == 0
    there = read_results(tmp_path / "(placement_generalization)[hso_no]run.json")
    assert {one.id: (one.answers, one.success, one.failure, one.steps) for one in there.episodes} == {
        one.id: (one.answers, one.success, one.failure, one.steps) for one in read_results(original).episodes
    }


def test_a_published_file_ends_as_recorded_on_the_real_benchmark() -> None:
    folder, python = os.environ.get("INSTAR_LLARA_RESULTS"), os.environ.get("INSTAR_VIMA_PYTHON")
    if not folder or not python:
        pytest.skip("INSTAR_LLARA_RESULTS or INSTAR_VIMA_PYTHON is not set: no published files, or no VIMA-Bench")
    path = Path(folder) / "[hso]D-inBC-AuxB-VIMA-80k.json"
    report = replay(ReplayConfig(path, "vima", limit=1, tasks=("rotate", "sweep_without_exceeding", "follow_motion")))
    assert (report.overall.same, report.overall.n) == (6, 6)
    assert report.prompts is not None
    assert report.prompts.tasks.same == report.prompts.tasks.n
    assert report.prompts.histories.same == report.prompts.histories.n
