"""The state of one household: its sessions and chains, and how it learns and forgets."""
