"""Simulated homes that give one-shot commands: rooms, residents, routines and changes over time."""

from detector.simulation.households.one_shot.dialects import DIALECTS
from detector.simulation.households.one_shot.simulate import simulate_homes

__all__ = ["DIALECTS", "simulate_homes"]
