"""Detectors: models that find and name the objects of a picture."""
