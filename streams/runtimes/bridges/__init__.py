"""Bridges: processes between the parts of an assistant that talk over a network."""
