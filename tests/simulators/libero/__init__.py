"""Tests of LIBERO as a simulator: on a stand-in that needs nothing installed, and on the real one where it is."""
