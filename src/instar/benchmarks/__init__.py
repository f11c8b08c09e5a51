"""Which tasks, which seeds: data, not code."""
