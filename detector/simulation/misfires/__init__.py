"""Simulated misfires, made from real utterances, as training data for the judge."""

from detector.simulation.misfires.chain_library import ChainLibrary, Turn, committed_chains
from detector.simulation.misfires.confusions import SLURP, Confusions, Heard, count_confusions
from detector.simulation.misfires.injection import LabelledSession, inject
from detector.simulation.misfires.kinds import ALL_KINDS, KINDS
from detector.simulation.misfires.mixture import Mixture
from detector.simulation.misfires.situation import Kind, Place, Situation

__all__ = [
    "ALL_KINDS",
    "KINDS",
    "SLURP",
    "ChainLibrary",
    "Confusions",
    "Heard",
    "Kind",
    "LabelledSession",
    "Mixture",
    "Place",
    "Situation",
    "Turn",
    "committed_chains",
    "count_confusions",
    "inject",
]
