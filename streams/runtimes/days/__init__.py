"""Thirty simulated days inside a runtime: what it decided, and how that compares."""

from streams.runtimes.days.played import Played, read_played, write_played
from streams.runtimes.days.report import (
    Asked,
    Difference,
    asked,
    differences,
    evaluated,
    judged,
)

__all__ = [
    "Asked",
    "Difference",
    "Played",
    "asked",
    "differences",
    "evaluated",
    "judged",
    "read_played",
    "write_played",
]
