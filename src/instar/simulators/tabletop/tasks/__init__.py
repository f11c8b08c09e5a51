"""The families of problems the table can set; each is one file, and this tuple is where they are listed."""

from typing import Final

from instar.simulators.tabletop.tasks.cluttered_scene import ClutteredScene
from instar.simulators.tabletop.tasks.color_match import ColorMatch
from instar.simulators.tabletop.tasks.follow_motion import FollowMotion
from instar.simulators.tabletop.tasks.follow_order import FollowOrder
from instar.simulators.tabletop.tasks.manipulate_old_neighbor import ManipulateOldNeighbor
from instar.simulators.tabletop.tasks.novel_adj import NovelAdj
from instar.simulators.tabletop.tasks.novel_adj_and_noun import NovelAdjAndNoun
from instar.simulators.tabletop.tasks.novel_noun import NovelNoun
from instar.simulators.tabletop.tasks.pick_in_order_then_restore import PickInOrderThenRestore
from instar.simulators.tabletop.tasks.problem import Family
from instar.simulators.tabletop.tasks.rearrange import Rearrange
from instar.simulators.tabletop.tasks.rearrange_then_restore import RearrangeThenRestore
from instar.simulators.tabletop.tasks.relative_height import RelativeHeight
from instar.simulators.tabletop.tasks.rotate import Rotate
from instar.simulators.tabletop.tasks.same_shape import SameShape
from instar.simulators.tabletop.tasks.same_texture import SameTexture
from instar.simulators.tabletop.tasks.scene_understanding import SceneUnderstanding
from instar.simulators.tabletop.tasks.sweep_without_exceeding import SweepWithoutExceeding
from instar.simulators.tabletop.tasks.sweep_without_touching import SweepWithoutTouching
from instar.simulators.tabletop.tasks.target_object import TargetObject
from instar.simulators.tabletop.tasks.twist import Twist
from instar.simulators.tabletop.tasks.visual_manipulation import VisualManipulation

# In the order in which LLaRA evaluates them: thirteen that are trained on, then the novel tasks.
FAMILIES: Final[tuple[Family, ...]] = (
    SweepWithoutExceeding(),
    Rotate(),
    SceneUnderstanding(),
    VisualManipulation(),
    Twist(),
    NovelAdj(),
    NovelNoun(),
    FollowOrder(),
    Rearrange(),
    ManipulateOldNeighbor(),
    PickInOrderThenRestore(),
    RearrangeThenRestore(),
    SameShape(),
    SweepWithoutTouching(),
    NovelAdjAndNoun(),
    FollowMotion(),
    SameTexture(),
    # Not of VIMA-Bench: the suite `real`.
    TargetObject(),
    ColorMatch(),
    ClutteredScene(),
    RelativeHeight(),
)
