"""The families of problems the table can set; each is one file, and this tuple is where they are listed."""

from typing import Final

from instar.simulators.tabletop.tasks.follow_order import FollowOrder
from instar.simulators.tabletop.tasks.problem import Family
from instar.simulators.tabletop.tasks.rearrange import Rearrange
from instar.simulators.tabletop.tasks.rotate import Rotate
from instar.simulators.tabletop.tasks.scene_understanding import SceneUnderstanding
from instar.simulators.tabletop.tasks.sweep_without_exceeding import SweepWithoutExceeding
from instar.simulators.tabletop.tasks.visual_manipulation import VisualManipulation

FAMILIES: Final[tuple[Family, ...]] = (
    VisualManipulation(),
    Rotate(),
    SceneUnderstanding(),
    Rearrange(),
    FollowOrder(),
    SweepWithoutExceeding(),
)
