"""The policy that knows nothing."""

from dataclasses import replace

import numpy as np

from instar import plugins
from instar.policies.random import RandomPolicy
from instar.policy import Policy
from tests.toy import toy_episode

EPISODE = toy_episode()
CONTEXTS = [EPISODE.context(t, past=0) for t in (0, 1)]


def test_equal_contexts_get_equal_actions_in_any_company() -> None:
    policy = RandomPolicy()
    together = policy.act(CONTEXTS)
    alone = [policy.act([context])[0] for context in reversed(CONTEXTS)]
    again = RandomPolicy().act([toy_episode().context(t, past=1) for t in (0, 1)])
    for first, second, third in zip(together, reversed(alone), again, strict=True):
        assert np.array_equal(first.actions, second.actions)
        assert np.array_equal(first.actions, third.actions)


def test_other_steps_words_pictures_and_seeds_get_other_actions() -> None:
    context = CONTEXTS[0]
    others = [
        replace(context, t=1),
        replace(context, instruction=replace(context.instruction, text="Rearrange to that {scene}.")),
        replace(context, observation=CONTEXTS[1].observation),
    ]
    draws = [RandomPolicy().act([one])[0].actions for one in (context, *others)] + [
        RandomPolicy(1).act([context])[0].actions
    ]
    assert len({draw.tobytes() for draw in draws}) == len(draws)


def test_actions_fill_the_space_between_low_and_high() -> None:
    context = CONTEXTS[0]
    draws = np.concatenate([RandomPolicy(seed).act([context])[0].actions for seed in range(400)])
    space = context.robot.actions
    low, high = np.array(space.low), np.array(space.high)
    assert (draws >= low).all()
    assert (draws <= high).all()
    width = (draws.max(axis=0) - draws.min(axis=0)) / (high - low)
    assert (width > 0.97).all()
    middle = (draws.mean(axis=0) - low) / (high - low)
    assert (abs(middle - 0.5) < 0.06).all()


def test_is_a_policy_that_its_choice_makes_again() -> None:
    policy = plugins.make("policies", "random:seed=3")
    assert isinstance(policy, Policy)
    assert policy == RandomPolicy(3)
    assert plugins.make("policies", plugins.choice_of("policies", policy)) == policy
    assert policy.spec.robots == ()
