"""Simulators in interpreters of their own: child processes that obey one order at a time."""
