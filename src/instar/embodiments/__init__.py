"""Robots that more than one house of the road speaks of: one file each, all constants, no code that decides."""
