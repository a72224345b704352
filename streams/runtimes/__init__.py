"""Adapters for assistant runtimes. Each folder connects one runtime to the hook."""
