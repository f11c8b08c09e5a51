"""A dot that walks to a cross: the smallest world that a picture can be taken of."""
