"""What a dashboard consists of: rows of panels.

Each panel names its queries, what is normal and what to do otherwise. The dashboards are in
``boards``, one module for each, and the PromQL is in ``queries``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ANNOTATIONS", "DECISIONS", "Board", "Look", "Panel", "Row"]

#: How a panel is drawn; ``heat`` is a distribution over time.
Look = Literal["lines", "stacked", "number", "heat"]

#: Queries whose results every dashboard marks on its graphs.
ANNOTATIONS = ("bundle_changes", "restarts")
#: The uid of the dashboard that exemplars link to.
DECISIONS = "misfire-decisions"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a dashboard.

    Attributes:
        title: what the panel shows.
        queries: names in ``queries``, all with the same unit.
        normal: what the panel shows in normal operation.
        do: what to do otherwise.
        look: how the panel is drawn.
        width: its columns, of 24.
        every: the shortest step. Rare events need a long one, or a rate has nothing to count.
        alert: the alert whose runbook section the panel links to.
        bad_from: the threshold at which a value is bad.
        bad_below: whether values at or below the threshold are bad, instead of at or above it.
    """

    title: str
    queries: tuple[str, ...]
    normal: str
    do: str
    look: Look = "lines"
    width: int = 8
    every: str | None = None
    alert: str | None = None
    bad_from: float | None = None
    bad_below: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A group of panels that answer one question."""

    question: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; ``uid`` identifies it in links and names its file."""

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]
