"""Simulated households: habits, several devices, dialogues, incomplete confidences and misfires."""

from detector.simulation.households.dialogues import dialogue, skill_of
from detector.simulation.households.profiles import Channels, Profile, Routine, new_token
from detector.simulation.households.simulate import Simulation, simulate, spoken
from detector.simulation.households.skills import CATALOGUE, DOMAINS, Shape, Skill
from detector.simulation.households.with_misfires import Label, with_misfires

__all__ = [
    "CATALOGUE",
    "DOMAINS",
    "Channels",
    "Label",
    "Profile",
    "Routine",
    "Shape",
    "Simulation",
    "Skill",
    "dialogue",
    "new_token",
    "simulate",
    "skill_of",
    "spoken",
    "with_misfires",
]
