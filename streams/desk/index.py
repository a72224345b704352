"""A bounded index of recent decisions and of what belongs to them, in memory.

It is SQLite in memory: a restart of the process builds it again from the topics. ``tail.py`` fills
it and ``queries.py`` reads it. When it is full, the tenant with the most decisions loses its oldest
ones, so that a flood evicts only its own.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntFlag

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from detector.contracts.labels import Label, LabelKind
from detector.policy.unclassified import is_unclassified
from streams.wire.records import DECISION, LABEL
from streams.wire.tenancy import tenant_of

__all__ = ["MOST_DECISIONS", "Index", "Kind"]

#: Decisions kept. At about 1 KB each they take 50 MB.
MOST_DECISIONS = 50_000

_TABLES = """
CREATE TABLE decisions(
  seq INTEGER PRIMARY KEY, household TEXT, event TEXT, tenant TEXT, session TEXT, at REAL,
  intent TEXT, risk TEXT, bundle TEXT, verdict TEXT, kinds INTEGER, codes TEXT, label TEXT,
  changed INTEGER, body BLOB, UNIQUE(household, event));
CREATE INDEX queue ON decisions(at, seq) WHERE kinds > 0;
CREATE INDEX conversations ON decisions(household, session, at);
CREATE INDEX changes ON decisions(changed);
CREATE INDEX tenants ON decisions(tenant, seq);
CREATE TABLE turns(
  household TEXT, event TEXT, device TEXT, act TEXT, commits INTEGER, local TEXT,
  PRIMARY KEY(household, event));
CREATE TABLE notes(
  household TEXT, event TEXT, kind TEXT, at REAL, body BLOB,
  UNIQUE(household, event, kind, body));
"""


class Kind(IntFlag):
    """Why a decision is in the queue; a decision can have several kinds or none."""

    INTERRUPTED = 1
    LATE = 2
    UNCLASSIFIED = 4


def kinds_of(decision: Decision) -> Kind:
    """Return the kinds that a decision has by itself."""
    found = Kind(0)
    if decision.verdict is not Verdict.ALLOW:
        found |= Kind.INTERRUPTED
    if is_unclassified(decision):
        found |= Kind.UNCLASSIFIED
    return found


def _said_by(note: sqlite3.Row | None) -> str:
    """Return what the latest label of an event says; empty without one, and if it withdraws."""
    said = None if note is None else LABEL.decode(note["body"]).label
    return "" if said in {None, LabelKind.WITHDRAWN} else str(said)


class Index:
    """The index. Every method may be called from any thread.

    Args:
        most: the largest number of decisions.
    """

    def __init__(self, most: int = MOST_DECISIONS) -> None:
        self._most = most
        self._lock = threading.RLock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(_TABLES)
        self._changes = 0
        self._count = 0
        self._erased: dict[str, float] = {}

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the index still and yield the database, for queries only."""
        with self._lock:
            yield self._database

    @property
    def changes(self) -> int:
        """The number of the latest change; each change of a decision has the next number."""
        return self._changes

    def add_turn(self, event: IntentEvent, at: float) -> None:
        """Add what a decision does not say about its event. Slots are left out."""
        with self._lock:
            if self._is_erased(event.household_id, at):
                return
            self._database.execute(
                "INSERT OR REPLACE INTO turns VALUES (?, ?, ?, ?, ?, ?)",
                (
                    event.household_id,
                    event.event_id,
                    event.device_id,
                    event.act.value,
                    event.commits,
                    event.time.isoformat(),
                ),
            )

    def add_decision(self, decision: Decision, at: float) -> None:
        """Add a decision that was logged at ``at``; the first decision on an event counts."""
        home, event_id = decision.household_id, decision.event_id
        codes = "".join(f" {reason.code} " for reason in decision.reasons)
        with self._lock:
            if self._is_erased(home, at):
                return
            late = self._note(home, event_id, "late") is not None
            label = self._note(home, event_id, "label")
            added = self._database.execute(
                "INSERT OR IGNORE INTO decisions(household, event, tenant, session, at, intent,"
                " risk, bundle, verdict, kinds, codes, label, changed, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(home, event_id, tenant_of(home), decision.session_id, at, decision.intent),
                    *(decision.risk_class.value, decision.bundle, decision.verdict.value),
                    *(int(kinds_of(decision) | (Kind.LATE if late else 0)), codes, _said_by(label)),
                    *(self._next_change(), DECISION.encode(decision)),
                ),
            )
            self._count += added.rowcount
            if self._count > self._most:
                self._evict()

    def add_note(self, household: str, event_id: str, kind: str, at: float, body: bytes) -> None:
        """Add an outcome, an answer, a late answer or a label of an event."""
        with self._lock:
            if self._is_erased(household, at):
                return
            self._database.execute(
                "INSERT OR IGNORE INTO notes VALUES (?, ?, ?, ?, ?)",
                (household, event_id, kind, at, body),
            )
            late = Kind.LATE if kind == "late" else 0
            self._touch(household, event_id, "kinds = kinds | ?", int(late))

    def add_label(self, label: Label, at: float) -> None:
        """Add a label that was logged at ``at``; the latest one of an event counts."""
        home, event_id = label.household_id, label.event_id
        with self._lock:
            self.add_note(home, event_id, "label", at, LABEL.encode(label))
            latest = _said_by(self._note(home, event_id, "label"))
            self._touch(home, event_id, "label = ?", latest)

    def forget(self, household: str, at: float) -> None:
        """Remove a household that was erased at ``at``, and ignore its records up to then.

        The topics have no common order, so such records may still follow.
        """
        with self._lock:
            self._erased[household] = at
            for table in ("turns", "notes"):
                self._database.execute(f"DELETE FROM {table} WHERE household = ?", (household,))  # noqa: S608 - names of our own
            gone = self._database.execute("DELETE FROM decisions WHERE household = ?", (household,))
            self._count -= gone.rowcount

    def _is_erased(self, household: str, at: float) -> bool:
        return at <= self._erased.get(household, float("-inf"))

    def _touch(self, household: str, event_id: str, change: str, value: object) -> None:
        self._database.execute(
            f"UPDATE decisions SET changed = ?, {change} WHERE household = ? AND event = ?",  # noqa: S608 - as above
            (self._next_change(), value, household, event_id),
        )

    def _next_change(self) -> int:
        self._changes += 1
        return self._changes

    def _note(self, household: str, event_id: str, kind: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._database.execute(
            "SELECT body FROM notes WHERE household = ? AND event = ? AND kind = ?"
            " ORDER BY at DESC, rowid DESC LIMIT 1",
            (household, event_id, kind),
        ).fetchone()
        return found

    def _evict(self) -> None:
        """Remove the oldest hundredth of the largest tenant, and what belongs to no decision."""
        (tenant,) = self._database.execute(
            "SELECT tenant FROM decisions GROUP BY tenant ORDER BY count(*) DESC LIMIT 1"
        ).fetchone()
        gone = self._database.execute(
            "DELETE FROM decisions WHERE seq IN"
            " (SELECT seq FROM decisions WHERE tenant = ? ORDER BY seq LIMIT ?)",
            (tenant, max(self._most // 100, 1)),
        )
        self._count -= gone.rowcount
        # A turn or a note may come before its decision, so the latest ones stay in any case.
        for table in ("turns", "notes"):
            self._database.execute(
                f"DELETE FROM {table} WHERE rowid < (SELECT max(rowid) FROM {table}) - ?"  # noqa: S608 - as above
                " AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.household ="
                f" {table}.household AND d.event = {table}.event)",
                (self._most // 10,),
            )
