"""RLBench's demonstrations in both of their layouts, read without RLBench."""

from instar.demos.rlbench.source import RLBench

__all__ = ["RLBench"]
