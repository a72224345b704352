"""Capacity planning: what a number of households needs, from measured constants."""
