"""The families of problems that the arm's table can set; each is one file, and this tuple is where they are listed."""

from typing import Final

from instar.simulators.arm.tasks.close_jar import CloseJar
from instar.simulators.arm.tasks.open_drawer import OpenDrawer
from instar.simulators.arm.tasks.pick_and_lift import PickAndLift
from instar.simulators.arm.tasks.problem import Family
from instar.simulators.arm.tasks.push_buttons import PushButtons
from instar.simulators.arm.tasks.put_in_drawer import PutInDrawer
from instar.simulators.arm.tasks.reach_and_drag import ReachAndDrag
from instar.simulators.arm.tasks.slide_block import SlideBlock
from instar.simulators.arm.tasks.stack_blocks import StackBlocks
from instar.simulators.arm.tasks.sweep_to_dustpan import SweepToDustpan

FAMILIES: Final[tuple[Family, ...]] = (
    PushButtons(),
    PickAndLift(),
    SlideBlock(),
    OpenDrawer(),
    CloseJar(),
    ReachAndDrag(),
    SweepToDustpan(),
    StackBlocks(),
    PutInDrawer(),
)
