"""Simulated misfires: what nobody meant, made from what people really said, for the judge to learn from."""

from detector.misfires.injection import LabelledSession, inject
from detector.misfires.kinds import ALL_KINDS, KINDS, Kind, Situation
from detector.misfires.library import ChainLibrary, Turn, committed_chains

__all__ = [
    "ALL_KINDS",
    "KINDS",
    "ChainLibrary",
    "Kind",
    "LabelledSession",
    "Situation",
    "Turn",
    "committed_chains",
    "inject",
]
