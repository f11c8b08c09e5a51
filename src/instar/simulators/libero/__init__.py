"""LIBERO as a simulator, in the interpreter where the user has it."""

from instar.simulators.libero.simulator import Libero

__all__ = ["Libero"]
