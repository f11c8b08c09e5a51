"""How fast instar is: each part against a stated reference, both measured in one run."""
