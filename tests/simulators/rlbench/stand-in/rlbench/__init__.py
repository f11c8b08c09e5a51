"""Stands in for RLBench: its names, and tasks in which a hand goes to a ball and closes."""
