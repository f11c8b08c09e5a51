"""Sweeping around a line."""

import numpy as np
import pytest

from instar.simulator import Task
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import HALF, NOVEL_TASK, OTHER_HALF
from tests.simulators.tabletop.recording import moved
from tests.simulators.tabletop.tasks.play import Table, tables

NAME = "sweep_without_touching"
