"""Tests of the families of problems, one file each."""
