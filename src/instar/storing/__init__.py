"""Demonstrations of any format into a folder of another: LeRobotDataset v3.0, and RLDS as Open X-Embodiment has it."""

from typing import Final

RLDS_MODULE: Final = "instar.storing.rlds"  # who made a folder of TensorFlow Datasets, in its papers
