"""What can be chosen of RLBench: the same options for the simulator and the benchmark."""

from typing import Annotated, Final, Literal

from typing_extensions import Doc

VARIABLE: Final = "INSTAR_RLBENCH_PYTHON"  # the interpreter, where the option names none

Control = Literal["joint_velocity", "joint_position", "end_effector_pose"]

Python = Annotated[str, Doc(f"interpreter that has RLBench; if empty, the variable {VARIABLE}")]
Controlled = Annotated[
    Control,
    Doc("what one action is: speeds of the joints for 1/20 s, as LLARVA; their places; or a pose that is planned to"),
]
Starts = Annotated[
    Literal["seeds", "demos"],
    Doc("begin as the seed decides, or as stored demonstrations began, as PerAct and LLARVA are evaluated"),
]
Dataset = Annotated[str, Doc("with starts=demos: folder or zip of stored demonstrations, with a folder for each task")]
Variation = Annotated[int, Doc("number of the variation of each task; -1: the seed draws one")]
Cameras = Annotated[str, Doc("cameras to look through, joined by +: front, left_shoulder, right_shoulder, ...")]
Size = Annotated[int, Doc("of pictures, in pixels a side; recorded demonstrations have 128")]
Renderer = Annotated[Literal["opengl", "opengl3"], Doc("what draws; stored demonstrations are mostly drawn by opengl")]
Wordings = Annotated[Literal["first", "all"], Doc("tell a task in its first wording, or in one that the seed draws")]
Headless = Annotated[bool, Doc("open no window; a display is needed all the same, which xvfb-run can be")]
Patience = Annotated[float, Doc("seconds of silence after which the child process is given up")]

LOCAL: Final = ("python", "dataset", "headless", "patience")  # where and how, not what
