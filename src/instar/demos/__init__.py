"""Formats of demonstrations to read, one house each."""
