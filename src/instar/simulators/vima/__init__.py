"""VIMA-Bench itself as a simulator, in the interpreter where the user has it."""

from instar.simulators.vima.simulator import VimaBench

__all__ = ["VimaBench"]
