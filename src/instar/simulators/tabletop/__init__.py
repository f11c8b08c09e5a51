"""The default simulator: a kinematic table in VIMA-Bench's camera geometry."""

from instar.simulators.tabletop.simulator import WORLD_VERSION, Tabletop

__all__ = ["WORLD_VERSION", "Tabletop"]
