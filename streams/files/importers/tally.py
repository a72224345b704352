"""What an import counted. It holds reasons, places and numbers, and nothing that was said."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.files.importers.records import Fault, Skipped

__all__ = ["LISTED", "Tally"]

#: Faults that are listed with their place; all are counted.
LISTED = 20


@dataclass(slots=True)
class Tally:
    """Counts of one import.

    Attributes:
        events: written events.
        other: of those, with the intent ``other.Request``.
        domains: written events by domain.
        labels: events that the log calls misfires.
        sessions: sessions of the written events.
        households: homes.
        devices: devices of all homes.
        repeated: records that occurred before.
        skipped: records that are no commands, by reason.
        faults: records that cannot be read, by reason.
        places: the first faults.
        first, last: the times of the earliest and the latest event; empty if there is none.
    """

    events: int = 0
    other: int = 0
    domains: dict[str, int] = field(default_factory=dict)
    labels: int = 0
    sessions: int = 0
    households: int = 0
    devices: int = 0
    repeated: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    places: list[Fault] = field(default_factory=list)
    first: str = ""
    last: str = ""

    def skip(self, skipped: Skipped) -> None:
        """Count a record that is no command."""
        self.skipped[skipped.reason] = self.skipped.get(skipped.reason, 0) + 1

    def fault(self, fault: Fault) -> None:
        """Count a record that cannot be read, and keep the place of the first ones."""
        self.faults[fault.reason] = self.faults.get(fault.reason, 0) + 1
        if len(self.places) < LISTED:
            self.places.append(fault)
