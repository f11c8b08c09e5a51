"""A Panda at a table, in MuJoCo: tasks in the manner of RLBench's, by joints or by the motion of the hand."""

from instar.simulators.arm.simulator import WORLD_VERSION, Arm

__all__ = ["WORLD_VERSION", "Arm"]
