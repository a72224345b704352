"""Scanning the log of one or more households for the chains that are most likely misfires.

A scan needs a bundle and no labels. What all households do comes from the bundle, and what a
household does comes from its own log.
"""

from __future__ import annotations

from detector.evaluation.scan.finding import Afterwards, Finding, Step
from detector.evaluation.scan.scanning import Scan, scan
from detector.evaluation.scan.tally import ClassTally, Hour, Unknown

__all__ = [
    "Afterwards",
    "ClassTally",
    "Finding",
    "Hour",
    "Scan",
    "Step",
    "Unknown",
    "scan",
]
