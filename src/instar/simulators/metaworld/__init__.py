"""Meta-World as a simulator, in the interpreter where the user has it."""

from instar.simulators.metaworld.simulator import MetaWorld

__all__ = ["MetaWorld"]
