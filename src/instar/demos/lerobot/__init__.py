"""LeRobotDataset v2.0, v2.1 and v3.0: Parquet and video, read without the lerobot package."""

from instar.demos.lerobot.source import LeRobot

__all__ = ["LeRobot"]
