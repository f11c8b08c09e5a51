"""RLDS: datasets of TensorFlow Datasets as Open X-Embodiment ships them, read without TensorFlow."""
