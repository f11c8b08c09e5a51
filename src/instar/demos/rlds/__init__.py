"""RLDS: datasets of TensorFlow Datasets as Open X-Embodiment ships them, read without TensorFlow."""

from instar.demos.rlds.source import Rlds

__all__ = ["Rlds"]
