"""Readers of foreign logs: what a home said, from other systems' files to a stream of events."""
