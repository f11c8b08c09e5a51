"""What PyRep calls its renderers."""

from enum import Enum


class RenderMode(Enum):
    OPENGL = 0
    OPENGL3 = 7
