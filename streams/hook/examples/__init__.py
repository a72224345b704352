"""Example runtimes."""
