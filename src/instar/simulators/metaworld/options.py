"""What can be chosen of Meta-World: the same options for simulator, benchmark and demonstrations."""

from typing import Annotated, Final, Literal

from typing_extensions import Doc

VARIABLE: Final = "INSTAR_METAWORLD_PYTHON"  # the interpreter, where the option names none

Python = Annotated[str, Doc(f"interpreter that has Meta-World; if empty, the variable {VARIABLE}")]
Cameras = Annotated[str, Doc("cameras to look through, joined by +; corner4 is what publications call corner2")]
Height = Annotated[int, Doc("of pictures, in pixels")]
Width = Annotated[int, Doc("of pictures, in pixels")]
Fov = Annotated[float, Doc("vertical field of view in degrees: smaller is closer; 0 is the camera's own")]
Repeat = Annotated[int, Doc("steps of 1/80 s that one action lasts; Meta-World's own protocol has 1")]
Finish = Annotated[
    Literal["plain", "full"],
    Doc("plain: without shadows, mirrors and smooth edges, and far faster; full: with them"),
]
Wordings = Annotated[Literal["first", "all"], Doc("tell a task in its first wording, or in one that the seed draws")]
Patience = Annotated[float, Doc("seconds of silence after which the child process is given up")]

LOCAL: Final = ("python", "patience")  # where and how fast, not what
STEPS: Final = 500  # of Meta-World's protocol: an episode ends after so many
