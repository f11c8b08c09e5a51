"""RLBench as a simulator, in the interpreter where the user has it."""

from instar.simulators.rlbench.simulator import RLBench

__all__ = ["RLBench"]
