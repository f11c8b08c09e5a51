"""Training and rollout ask the same: an episode replayed in its world gives byte-identical questions at every step."""

import pytest

from instar import plugins
from instar.chat import Recipe
from instar.demo import Context, DemoSource, Episode
from instar.simulator import Benchmark, Simulator, Task
from instar.testing import assert_same_context, same_conversation

SOURCE: DemoSource = plugins.make("demos", "tabletop:episodes=12")
RECIPES = (
    "llara",
    "llara:describe=false,multi=false",
    "llara:past=1",
    "llara:visual=true,sentence=random,camera=top",
    "llara:actions=bins,sentence=3",
    "llara:actions=image-bins,visual=true,describe=false",
    "llara:compat=true",
    "llara:compat=true,actions=bins,multi=false",
    "llara:compat=true,actions=image-bins,visual=true",
    "llara:compat=true,evaluator=true,spaces=2,sentence=random,visual=true",
)


def task_of(episode: Episode) -> Task:
    """The benchmark's task that an episode of the tabletop belongs to."""
    _, suite, name, _ = episode.id.split("/")
    benchmark: Benchmark = plugins.make("benchmarks", f"tabletop:tasks={name},suites={suite}")
    return benchmark.episodes()[0].task


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("id", SOURCE.ids())
def test_replaying_an_episode_asks_the_same_questions(id: str, recipe: str) -> None:
    asker: Recipe = plugins.make("recipes", recipe)
    simulator: Simulator = plugins.make("simulators", "tabletop")
    episode = SOURCE.episode(id)
    instruction, observation = simulator.reset(task_of(episode), int(id.rsplit("/", maxsplit=1)[-1]))
    context = Context(simulator.robot, instruction, observation)
    for t in range(episode.length):
        cut = episode.context(t, asker.past)
        assert_same_context(context, cut)
        assert same_conversation(asker.ask(context), asker.ask(cut))
        transition = simulator.step(episode.action(t))
        context = context.after(episode.action(t), transition.observation, asker.past)
    assert transition.success
