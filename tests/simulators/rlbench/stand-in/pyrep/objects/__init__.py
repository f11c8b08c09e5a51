"""Things in the scene."""
