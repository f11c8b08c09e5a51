"""How the small model that comes with instar learned to see: pictures of the tabletop, questions, and a curriculum."""
