"""Self-supervised questions that teach a model to see and foresee."""
