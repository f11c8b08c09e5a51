"""The tasks that the stand-in has."""
