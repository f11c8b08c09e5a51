"""What the tests of the auxiliary tasks have in common: the toy, asked every question."""

from collections.abc import Iterator

import numpy as np

from instar.chat import AuxiliaryTask, Conversation
from instar.demo import Episode, View
from tests.toy import toy_episode


def all_of(task: AuxiliaryTask, *episodes: Episode, seed: int = 0) -> list[tuple[View, Conversation]]:
    """Every conversation about every view of `episodes`, of both toys if there are none given."""
    rng = np.random.default_rng(seed)
    return [
        (view, conversation)
        for episode in episodes or (toy_episode("scene"), toy_episode("object"))
        for view in episode.views()
        for conversation in task.conversations(episode, view, rng)
    ]


def answer(conversation: Conversation) -> str:
    """What is to be learned from a conversation of one question."""
    question, reply = conversation.turns
    assert (question.role, question.learn, reply.role, reply.learn) == ("user", False, "assistant", True)
    return reply.text


def titled(task: AuxiliaryTask, *episodes: Episode) -> Iterator[tuple[str, Conversation]]:
    """For a golden file: the conversations of the toy with a scene, by view."""
    for view, conversation in all_of(task, *(episodes or (toy_episode("scene"),))):
        yield f"view {view.key}", conversation
