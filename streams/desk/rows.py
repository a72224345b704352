"""Values that the index contains, as they are read from it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from detector.contracts.decisions import Decision, Verdict
from streams.desk.index import Kind
from streams.wire.records import DECISION
from streams.wire.shadow_verdict import SHADOW_VERDICT, ShadowVerdict

__all__ = ["Cursor", "Note", "Row", "Turn", "row_of", "turn_of"]

#: A cursor of a query string. SQLite has 64-bit integers.
_CURSOR = re.compile(r"([0-9]{1,12}\.[0-9]{1,9}),([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the queue, which is ordered by time and then by arrival, the latest first."""

    at: float
    seq: int

    def __str__(self) -> str:
        return f"{self.at!r},{self.seq}"

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """Read a cursor of a query string; ``None`` if it is not one."""
        found = _CURSOR.fullmatch(text)
        return cls(float(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Note:
    """A record about an event: its kind (``outcome``, ``answer``, ``late``, ``label``)."""

    kind: str
    at: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """A decision of the index, with the log time of its record in seconds since the epoch.

    ``shadows`` are the verdicts of shadow bundles that differ from it, each once.
    """

    cursor: Cursor
    changed: int
    decision: Decision
    kinds: Kind
    label: str
    shadows: tuple[Verdict, ...] = ()

    @property
    def at(self) -> float:
        """The log time of the decision."""
        return self.cursor.at


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a conversation: the decision on it, what its event says, and where shadows differ.

    ``act`` is empty if the event is not in the index, and ``local`` is then ``None``.
    """

    row: Row
    act: str = ""
    commits: bool = False
    local: datetime | None = None
    device: str = ""
    notes: Sequence[Note] = field(default=())
    shadows: Sequence[ShadowVerdict] = field(default=())


def row_of(found: sqlite3.Row) -> Row:
    """Return a record of the table of decisions."""
    return Row(
        Cursor(found["at"], found["seq"]),
        found["changed"],
        DECISION.decode(found["body"]),
        Kind(found["kinds"]),
        found["label"],
        tuple(map(Verdict, found["shadows"].split())),
    )


def turn_of(database: sqlite3.Connection, row: Row) -> Turn:
    """Return a decision with its event, the notes on it, and the verdicts of shadows."""
    home, confirm = row.decision.household_id, row.decision.confirm
    asked = (confirm.confirmation_id if confirm else None) or row.decision.event_id
    event = database.execute(
        "SELECT * FROM turns WHERE household = ? AND event = ?", (home, row.decision.event_id)
    ).fetchone()
    notes = database.execute(
        "SELECT kind, at, body FROM notes WHERE household = ? AND event IN (?, ?) ORDER BY at",
        (home, row.decision.event_id, asked),
    ).fetchall()
    kept = tuple(Note(each["kind"], each["at"], each["body"]) for each in notes)
    shadows = _shadows(database, row) if row.kinds & Kind.SHADOW else ()
    if event is None:
        return Turn(row, notes=kept, shadows=shadows)
    return Turn(
        row,
        event["act"],
        bool(event["commits"]),
        datetime.fromisoformat(event["local"]),
        event["device"],
        kept,
        shadows,
    )


def _shadows(database: sqlite3.Connection, row: Row) -> tuple[ShadowVerdict, ...]:
    found = database.execute(
        "SELECT body FROM shadows WHERE household = ? AND event = ? ORDER BY seq",
        (row.decision.household_id, row.decision.event_id),
    )
    return tuple(SHADOW_VERDICT.decode(each["body"]) for each in found)
