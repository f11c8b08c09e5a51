"""HDF5 files of robomimic and LIBERO."""

from instar.demos.hdf5.source import Hdf5

__all__ = ["Hdf5"]
