"""What is asked of a model, what it should answer, and how the answer is read."""
