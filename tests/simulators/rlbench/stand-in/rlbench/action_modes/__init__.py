"""What an action is."""
