"""Thirty simulated days inside a runtime: what it decided, and how that compares."""

from streams.runtimes.days.living import Tally
from streams.runtimes.days.played import Played, read_played, write_played
from streams.runtimes.days.playing import moved_in, play_month
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
    "Tally",
    "asked",
    "differences",
    "evaluated",
    "judged",
    "moved_in",
    "play_month",
    "read_played",
    "write_played",
]
