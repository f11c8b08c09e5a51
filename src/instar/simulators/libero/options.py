"""What can be chosen of LIBERO: the same options for the simulator and the benchmark."""

from typing import Annotated, Final, Literal

from typing_extensions import Doc

from instar.simulators.libero.protocol import SETTLING

VARIABLE: Final = "INSTAR_LIBERO_PYTHON"  # the interpreter, where the option names none
CHECKOUT: Final = "INSTAR_LIBERO_CHECKOUT"

Python = Annotated[str, Doc(f"interpreter that has LIBERO; if empty, the variable {VARIABLE}")]
Checkout = Annotated[str, Doc(f"folder of a clone of LIBERO, where it is not installed; or the variable {CHECKOUT}")]
Cameras = Annotated[str, Doc("cameras to look through, joined by +: agentview, eye_in_hand")]
Height = Annotated[int, Doc("of pictures, in pixels; those of the recorded demonstrations have 128")]
Width = Annotated[int, Doc("of pictures, in pixels")]
Words = Annotated[
    Literal["name", "bddl"], Doc("tell a task as its file is called, as publications do, or as the recorded files do")
]
Settle = Annotated[int, Doc(f"steps at the beginning in which the arm waits; publications have {SETTLING}")]
Patience = Annotated[float, Doc("seconds of silence after which the child process is given up")]

LOCAL: Final = ("python", "checkout", "patience")  # where and how fast, not what
