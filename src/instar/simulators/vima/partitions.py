"""VIMA-Bench's levels and tasks: the suites of the house, the partitions of the benchmark, and what each holds."""

from collections.abc import Mapping
from typing import Final

_TRAINED: Final = (
    "sweep_without_exceeding",
    "rotate",
    "scene_understanding",
    "visual_manipulation",
    "twist",
    "novel_adj",
    "novel_noun",
    "follow_order",
    "rearrange",
    "manipulate_old_neighbor",
    "pick_in_order_then_restore",
    "rearrange_then_restore",
    "same_shape",
)
_NOVEL: Final = ("sweep_without_touching", "novel_adj_and_noun", "follow_motion", "same_texture")

# Levels 1 to 4 in LLaRA's order (Li et al., ICLR 2025), each with its tasks in the order of the partition's file.
TASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "placement": _TRAINED,
    "combinatorial": _TRAINED,
    "novel_object": tuple(task for task in _TRAINED if task != "sweep_without_exceeding"),
    "novel_task": _NOVEL,
}
TRAIN: Final = "train"  # what VIMA's training data was made from; set like a suite, played by no benchmark
PARTITIONS: Final[Mapping[str, str]] = {TRAIN: TRAIN} | {suite: f"{suite}_generalization" for suite in TASKS}


def tasks_at(suite: str) -> tuple[str, ...]:
    """The tasks of a suite, the training set included; none where there is no such suite."""
    return _TRAINED if suite == TRAIN else TASKS.get(suite, ())
