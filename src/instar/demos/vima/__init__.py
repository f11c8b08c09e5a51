"""VIMA-Data in its raw layout: a zip file or a folder of episodes on the table of VIMA-Bench."""

from instar.demos.vima.source import Vima

__all__ = ["Vima"]
