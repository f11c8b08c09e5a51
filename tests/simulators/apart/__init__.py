"""Tests of what simulators in interpreters of their own have in common."""
