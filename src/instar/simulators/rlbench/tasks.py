"""RLBench's tasks that publications report, and how many variations each has."""

from collections.abc import Mapping
from typing import Final

WORLD: Final = "RLBench"
SUITE: Final = "rlbench"

# The eighteen of PerAct (Shridhar et al., CoRL 2022), which LLARVA (Niu et al., CoRL 2024) evaluates on, in PerAct's
# order: 249 variations in all. Three of them are only in PerAct's fork of RLBench.
PERACT: Final[Mapping[str, int]] = {
    "open_drawer": 3,
    "slide_block_to_color_target": 4,
    "sweep_to_dustpan_of_size": 2,
    "meat_off_grill": 2,
    "turn_tap": 2,
    "put_item_in_drawer": 3,
    "close_jar": 20,
    "reach_and_drag": 20,
    "stack_blocks": 60,
    "light_bulb_in": 20,
    "put_money_in_safe": 3,
    "place_wine_at_rack_location": 3,
    "put_groceries_in_cupboard": 9,
    "place_shape_in_shape_sorter": 5,
    "push_buttons": 50,
    "insert_onto_square_peg": 20,
    "stack_cups": 20,
    "place_cups": 3,
}
# What the three are in RLBench itself, where they have one variation each.
ORIGINAL: Final[Mapping[str, str]] = {
    "slide_block_to_color_target": "slide_block_to_target",
    "sweep_to_dustpan_of_size": "sweep_to_dustpan",
    "place_wine_at_rack_location": "stack_wine",
}
VARIATIONS: Final[Mapping[str, int]] = {**PERACT, **dict.fromkeys(ORIGINAL.values(), 1)}
