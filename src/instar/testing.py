"""Conformance suites: what every plugin of a kind must hold, for ours and for everybody's.

    from instar.testing import conform

    def test_my_recipe_conforms() -> None:
        assert conform("recipes", "mine")

`instar check recipes mine` runs the same and prints what it found.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

import numpy as np
import tyro
from typing_extensions import Doc

from instar import plugins
from instar.chat import AuxiliaryTask, Conversation, Recipe
from instar.demo import Context, DemoSource, Episode
from instar.errors import InstarError, PluginError, ReplyError
from instar.findings import Finding
from instar.policy import Policy
from instar.progress import Progress, silent
from instar.seeing.detect import Detector, labelled
from instar.simulator import Benchmark, Simulator, Task

SEED: Final = 900_000  # far from the seeds that demonstrations and benchmarks use


@dataclass(frozen=True)
class CheckConfig:
    """Which plugin to check."""

    kind: Annotated[tyro.conf.Positional[str], Doc("kind of plugin: demos, recipes, auxiliary, simulators ...")]
    choice: Annotated[tyro.conf.Positional[str], Doc("the plugin and its options, e.g. llara:past=3")]
    demos: Annotated[str, Doc("demonstrations that recipes, auxiliary tasks and policies are tried on")] = (
        "tabletop:episodes=6"
    )


def check(config: CheckConfig, progress: Progress = silent) -> list[Finding]:
    """Run the suite of a kind on one plugin: one finding per rule, level "error" where it is broken.

    Raises PluginError if the plugin cannot be made or the kind has no suite.
    """
    if config.kind not in SUITES:
        raise PluginError(f"no conformance suite for {config.kind!r}; there are: {', '.join(sorted(SUITES))}")
    subject = plugins.make(config.kind, config.choice)
    rules = list(SUITES[config.kind](subject, config))
    findings = []
    for done, (rule, test) in enumerate(rules):
        progress(done, len(rules), rule)
        findings.append(_tried(rule, test))
    return findings


def conform(kind: str, choice: str, demos: str = "tabletop:episodes=6") -> list[str]:
    """The rules that the plugin was held to and keeps. Raises AssertionError that lists every rule it breaks."""
    findings = check(CheckConfig(kind, choice, demos))
    broken = [finding for finding in findings if finding.level == "error"]
    assert not broken, "\n".join(f"{finding.subject}: {finding.text}" for finding in broken)
    return [finding.subject for finding in findings]


Rule = tuple[str, Callable[[], None]]


def _tried(rule: str, test: Callable[[], None]) -> Finding:
    try:
        test()
    except (AssertionError, InstarError) as broken:
        return Finding("error", rule, " ".join(str(broken).split()) or "does not hold")
    except Exception as error:  # whatever a plugin raises is a finding about the plugin
        return Finding("error", rule, f"{type(error).__name__}: {error}")
    return Finding("ok", rule, "holds")


def _plugin_rules(kind: str, subject: Any, protocol: type) -> Iterator[Rule]:
    def it_is_what_it_says() -> None:
        assert isinstance(subject, protocol), f"{type(subject).__name__} lacks a method of {protocol.__name__}"

    def it_can_be_made_again() -> None:
        choice = plugins.choice_of(kind, subject)
        again = plugins.make(kind, plugins.Choice.from_json(choice.to_json()))
        assert plugins.choice_of(kind, again) == choice

    yield f"is a {protocol.__name__}", it_is_what_it_says
    yield "can be stored and made again", it_can_be_made_again


def _demos(source: DemoSource, _config: CheckConfig) -> Iterator[Rule]:
    def ids_are_stable() -> None:
        ids = list(source.ids())
        assert ids, "it has no episodes"
        assert len(ids) == len(set(ids)), "ids repeat"
        assert ids == list(source.ids()), "the order of ids changes"

    def episodes_are_repeatable() -> None:
        first = source.ids()[0]
        assert_same_context(source.episode(first).context(0, 0), copy.deepcopy(source).episode(first).context(0, 0))

    def episodes_are_whole() -> None:
        for id in list(source.ids())[:8]:
            _assert_whole(source.episode(id), id)

    yield from _plugin_rules("demos", source, DemoSource)
    yield "ids are stable and unique", ids_are_stable
    yield "the same id gives the same episode", episodes_are_repeatable
    yield "episodes are whole", episodes_are_whole


def _assert_whole(episode: Episode, id: str) -> None:
    assert episode.id == id
    assert episode.length > 0, f"{id} has no actions"
    for t in range(episode.length):
        action, observation = episode.action(t), episode.steps[t].observation
        assert action.shape == (episode.robot.actions.dim,), f"{id}: action {t} has shape {action.shape}"
        assert np.isfinite(action).all(), f"{id}: action {t} is not finite"
        assert observation.state.shape == (len(episode.robot.state),), f"{id}: state {t} has the wrong length"
        for camera in episode.robot.cameras:
            shape = observation.images[camera.name].pixels.shape
            assert shape == (camera.height, camera.width, 3), f"{id}: {camera.name} is {shape}"


def _episodes(config: CheckConfig) -> list[Episode]:
    source = plugins.make("demos", config.demos)
    return [source.episode(id) for id in list(source.ids())[:6]]


def _recipes(recipe: Recipe, config: CheckConfig) -> Iterator[Rule]:
    episodes = _episodes(config)
    moments = [(episode, t) for episode in episodes for t in range(episode.length)]

    def reads_what_it_answers() -> None:
        for episode, t in moments:
            actions = recipe.read(recipe.answer(episode, t), episode.context(t, recipe.past))
            assert actions.ndim == 2
            assert 1 <= len(actions) <= recipe.horizon
            assert actions.shape[1] == episode.robot.actions.dim

    def constrains_to_what_it_answers() -> None:
        for episode, t in moments:
            grammar = recipe.grammar(episode.context(t, recipe.past))
            answer = recipe.answer(episode, t)
            assert re.fullmatch(grammar.pattern(), answer), f"{answer!r} is outside the grammar"
            assert grammar.format(grammar.parse(answer)) == answer

    def refuses_nonsense() -> None:
        context = episodes[0].context(0, recipe.past)
        for reply in ("", "I cannot do that.", recipe.answer(episodes[0], 0) + "~", "\N{SNOWMAN}" * 1000):
            try:
                recipe.read(reply, context)
            except ReplyError:
                continue
            raise AssertionError(f"{reply[:40]!r} was read as actions")

    def asks_the_same_in_training_and_in_rollout() -> None:
        for episode in episodes:
            _assert_parity(recipe, episode)

    yield from _plugin_rules("recipes", recipe, Recipe)
    yield "reads what it answers", reads_what_it_answers
    yield "its grammar admits its answers", constrains_to_what_it_answers
    yield "refuses nonsense with a ReplyError", refuses_nonsense
    yield "asks the same in training and in a rollout", asks_the_same_in_training_and_in_rollout


def _assert_parity(recipe: Recipe, episode: Episode) -> None:
    context = episode.context(0, recipe.past)
    for t in range(episode.length):
        cut = recipe.ask(episode.context(t, recipe.past))
        assert same_conversation(recipe.ask(context), cut), f"{episode.id}: step {t} is asked differently"
        if t + 1 < len(episode.steps):
            context = context.after(episode.action(t), episode.steps[t + 1].observation, recipe.past)


def same_conversation(one: Conversation, other: Conversation) -> bool:
    """Whether a model would see the same bytes."""
    pictures = [image.digest for image in one.images] == [image.digest for image in other.images]
    return pictures and one.turns == other.turns


def _auxiliary(task: AuxiliaryTask, config: CheckConfig) -> Iterator[Rule]:
    episodes = _episodes(config)

    def every() -> Iterator[Conversation]:
        for episode in episodes:
            for view in episode.views():
                yield from task.conversations(episode, view, np.random.default_rng(0))

    def asks_something() -> None:
        conversations = list(every())
        assert conversations, "no conversation about any view of six episodes"
        for conversation in conversations:
            assert any(turn.learn for turn in conversation.turns), "a conversation has nothing to learn"
            assert conversation.turns[-1].role == "assistant"
            assert all(turn.text for turn in conversation.turns), "an empty turn"

    def is_deterministic() -> None:
        for one, other in zip(every(), every(), strict=True):
            assert same_conversation(one, other), "the same generator gave other words"

    yield from _plugin_rules("auxiliary", task, AuxiliaryTask)
    yield "asks something that can be learned", asks_something
    yield "draws only from the generator it is given", is_deterministic


def _benchmarks(benchmark: Benchmark, _config: CheckConfig) -> Iterator[Rule]:
    def trials_are_unique() -> None:
        ids = [trial.id for trial in benchmark.episodes()]
        assert ids, "no episodes"
        assert len(ids) == len(set(ids)), "ids repeat"

    def its_simulator_exists() -> None:
        choice = plugins.Choice.parse(benchmark.simulator())
        assert choice.name in plugins.names("simulators"), f"no simulator {choice.name!r}"

    yield from _plugin_rules("benchmarks", benchmark, Benchmark)
    yield "its episodes have unique ids", trials_are_unique
    yield "its simulator is installed", its_simulator_exists


def _simulators(simulator: Simulator, config: CheckConfig) -> Iterator[Rule]:
    name = plugins.Choice.parse(config.choice).name
    # A simulator is tried on the tasks of the benchmarks that play on it.
    suites = [plugins.make("benchmarks", other) for other in plugins.names("benchmarks")]
    mine = [suite for suite in suites if plugins.Choice.parse(suite.simulator()).name == name]
    tasks = list({trial.task: None for suite in mine for trial in suite.episodes()})

    def has_tasks() -> None:
        assert tasks, f"no installed benchmark plays on {name!r}"

    yield from _plugin_rules("simulators", simulator, Simulator)
    yield "a benchmark plays on it", has_tasks
    for rule, holds in _SIMULATOR_RULES.items():
        yield rule, partial(_on_every, holds, simulator, tasks)


def _on_every(holds: Callable[[Simulator, Task], None], simulator: Simulator, tasks: Sequence[Task]) -> None:
    for task in tasks:
        holds(simulator, task)


def _is_deterministic(simulator: Simulator, task: Task) -> None:
    assert_same_context(_begun(simulator, task), _begun(copy.deepcopy(simulator), task))


def _shows_what_its_robot_promises(simulator: Simulator, task: Task) -> None:
    observation = _begun(simulator, task).observation
    for camera in simulator.robot.cameras:
        assert observation.images[camera.name].pixels.shape == (camera.height, camera.width, 3)
    assert observation.state.shape == (len(simulator.robot.state),)


def _its_expert_acts(simulator: Simulator, task: Task) -> None:
    context = _begun(simulator, task)
    expert = simulator.expert()
    if expert is not None:
        actions = expert.act([context])[0].actions
        assert actions.shape[1:] == (simulator.robot.actions.dim,)
        simulator.step(actions[0])


def _refuses_nonsense(simulator: Simulator, task: Task) -> None:
    dim = simulator.robot.actions.dim
    for action in (np.zeros(dim + 1), np.full(dim, np.nan)):
        _begun(simulator, task)
        try:
            simulator.step(action)
        except InstarError:
            continue
        raise AssertionError(f"took the action {action}")


_SIMULATOR_RULES: Final[Mapping[str, Callable[[Simulator, Task], None]]] = {
    "the same task and seed give the same bytes": _is_deterministic,
    "observations are what its robot promises": _shows_what_its_robot_promises,
    "its expert, if any, acts": _its_expert_acts,
    "refuses actions that are none": _refuses_nonsense,
}


def _begun(simulator: Simulator, task: Task) -> Context:
    instruction, observation = simulator.reset(task, SEED)
    return Context(simulator.robot, instruction, observation)


def _policies(policy: Policy, config: CheckConfig) -> Iterator[Rule]:
    contexts = [episode.context(0, policy.spec.past) for episode in _episodes(config)]

    def acts_on_batches() -> None:
        chunks = policy.act(contexts)
        assert len(chunks) == len(contexts)
        for chunk, context in zip(chunks, contexts, strict=True):
            assert chunk.actions.shape[1] == context.robot.actions.dim
            assert np.isfinite(chunk.actions).all()

    def is_stateless() -> None:
        together = policy.act(contexts)
        alone = [policy.act([context])[0] for context in reversed(contexts)]
        for one, other in zip(together, reversed(alone), strict=True):
            np.testing.assert_array_equal(one.actions, other.actions)

    yield from _plugin_rules("policies", policy, Policy)
    yield "acts on a batch of contexts", acts_on_batches
    yield "is stateless: order and batch do not matter", is_stateless


def _detectors(detector: Detector, config: CheckConfig) -> Iterator[Rule]:
    camera = detector.camera or "front"
    pictures = [look.image for episode in _episodes(config)[:2] for look in labelled(episode, camera)]

    def finds_inside_the_picture() -> None:
        for picture, seen in zip(pictures, detector.find(pictures), strict=True):
            height, width = picture.pixels.shape[:2]
            for thing in seen:
                box = thing.box
                assert 0 <= box.left <= box.right < width, f"{box} is not in a picture {width} wide"
                assert 0 <= box.top <= box.bottom < height, f"{box} is not in a picture {height} high"
                assert thing.name, "a sighting has no name"

    def tells_the_surest_first() -> None:
        for seen in detector.find(pictures):
            scores = [thing.score for thing in seen]
            assert scores == sorted(scores, reverse=True), f"scores {scores} rise"
            assert not scores or scores[-1] >= detector.threshold, f"{scores[-1]} is below {detector.threshold}"

    def is_stateless() -> None:
        together = detector.find(pictures)
        alone = [detector.find([picture])[0] for picture in reversed(pictures)]
        assert together == list(reversed(alone)), "company or order changed what is seen"
        assert detector.fingerprint() == copy.deepcopy(detector).fingerprint()

    yield from _plugin_rules("detectors", detector, Detector)
    yield "finds things inside the picture", finds_inside_the_picture
    yield "tells the surest first, none below its threshold", tells_the_surest_first
    yield "is stateless: order and batch do not matter", is_stateless


def assert_same_context(one: Context, other: Context) -> None:
    """Raise AssertionError unless two contexts hold the same bytes."""
    assert one.t == other.t
    assert one.instruction.text == other.instruction.text
    assert list(one.instruction.references) == list(other.instruction.references)
    pictures = [
        (context.observation.images, *(reference.images for reference in context.instruction.references.values()))
        for context in (one, other)
    ]
    for mine, theirs in zip(*pictures, strict=True):
        assert {name: image.digest for name, image in mine.items()} == {n: image.digest for n, image in theirs.items()}
    np.testing.assert_array_equal(one.observation.state, other.observation.state)
    assert one.observation.objects == other.observation.objects


SUITES: Final[Mapping[str, Callable[[Any, CheckConfig], Iterator[Rule]]]] = {
    "demos": _demos,
    "recipes": _recipes,
    "auxiliary": _auxiliary,
    "benchmarks": _benchmarks,
    "simulators": _simulators,
    "policies": _policies,
    "detectors": _detectors,
}

__all__ = ["CheckConfig", "assert_same_context", "check", "conform", "same_conversation"]
