"""Runtimes to begin with."""
