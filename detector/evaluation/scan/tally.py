"""Counts of a scan: commands by risk class, by hour of the week, and with unknown intents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from detector.contracts.decisions import RiskClass, Verdict
from detector.decision.bundle import Bundle
from detector.decision.verdict import Ruling
from detector.evidence import Moment

__all__ = ["ClassTally", "Hour", "Tally", "Unknown"]

#: Unknown intents that are counted by name; a log has at most a few hundred intents.
_MOST_NAMES = 1_000
#: Unknown intents that the result names.
_NAMED = 10


@dataclass(slots=True)
class ClassTally:
    """The commands of a risk class, and what the bundle would have decided on them.

    ``abstained`` counts commands that the policy's fallback decided on; they are also counted under
    their verdict.
    """

    commands: int = 0
    confirm: int = 0
    block: int = 0
    abstained: int = 0

    @property
    def interrupted(self) -> int:
        """The commands that would not have been allowed."""
        return self.confirm + self.block


@dataclass(slots=True)
class Hour:
    """The commands in one hour of the week, and how many would not have been allowed."""

    commands: int = 0
    interrupted: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """Commands with intents that the bundle does not know, and the most frequent of them."""

    commands: int
    intents: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """The counts so far. Days and hours of the week are those of ``zone``."""

    zone: tzinfo
    commands: int = 0
    classes: dict[RiskClass, ClassTally] = field(default_factory=dict)
    week: tuple[tuple[Hour, ...], ...] = field(
        default_factory=lambda: tuple(tuple(Hour() for _ in range(24)) for _ in range(7))
    )
    days: set[date] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    _unknown: int = 0
    _names: Counter[str] = field(default_factory=Counter)

    def add(self, moment: Moment, ruling: Ruling, risk: RiskClass, bundle: Bundle) -> None:
        """Count one command."""
        time, intent = moment.event.time, moment.event.intent
        interrupted = ruling.verdict is not Verdict.ALLOW
        local = time.astimezone(self.zone)
        self.commands += 1
        self.days.add(local.date())
        self.first = time if self.first is None else min(time, self.first)
        self.last = time if self.last is None else max(time, self.last)
        hour = self.week[local.weekday()][local.hour]
        hour.commands += 1
        hour.interrupted += interrupted
        found = self.classes.setdefault(risk, ClassTally())
        found.commands += 1
        found.confirm += ruling.verdict is Verdict.CONFIRM
        found.block += ruling.verdict is Verdict.BLOCK
        found.abstained += ruling.abstained
        if not bundle.model.vocabulary.knows_intent(intent):
            self._unknown += 1
            if intent in self._names or len(self._names) < _MOST_NAMES:
                self._names[intent] += 1

    @property
    def unknown(self) -> Unknown:
        """The commands with unknown intents."""
        return Unknown(self._unknown, tuple(name for name, _ in self._names.most_common(_NAMED)))
