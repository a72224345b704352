"""What one household does: its state, sessions and chains, and how it learns and forgets."""
