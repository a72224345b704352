"""A bounded index of recent decisions and of what belongs to them, in memory.

It is SQLite in memory: a restart of the process builds it again from the topics. ``tail.py`` fills
it, ``queries.py`` reads it, and ``bounds.py`` keeps it small.
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
from streams.desk.bounds import TABLES, Bounds
from streams.wire.records import DECISION, LABEL
from streams.wire.shadow_verdict import SHADOW_VERDICT, ShadowVerdict
from streams.wire.tenancy import tenant_of

__all__ = ["MOST_DECISIONS", "Index", "Kind"]

#: Decisions kept. At about 1 KB each they take 50 MB.
MOST_DECISIONS = 50_000

_TABLES = """
CREATE TABLE decisions(
  seq INTEGER PRIMARY KEY, household TEXT, event TEXT, tenant TEXT, session TEXT, at REAL,
  intent TEXT, risk TEXT, bundle TEXT, verdict TEXT, kinds INTEGER, codes TEXT, label TEXT,
  shadows TEXT, shadow_bundles TEXT, rule TEXT, changed INTEGER, body BLOB,
  UNIQUE(household, event));
CREATE INDEX queue ON decisions(at, seq) WHERE kinds > 0;
CREATE INDEX queue_of_tenant ON decisions(tenant, at, seq) WHERE kinds > 0;
CREATE INDEX conversations ON decisions(household, session, at);
CREATE INDEX changes ON decisions(changed) WHERE kinds > 0;
CREATE INDEX changes_of_tenant ON decisions(tenant, changed) WHERE kinds > 0;
CREATE INDEX shadowed ON decisions(tenant, shadow_bundles) WHERE shadow_bundles <> '';
CREATE INDEX ruled ON decisions(tenant, rule) WHERE rule <> '';
CREATE INDEX decisions_of_tenant ON decisions(tenant, seq);
CREATE TABLE turns(
  seq INTEGER PRIMARY KEY, household TEXT, event TEXT, tenant TEXT, device TEXT, act TEXT,
  commits INTEGER, local TEXT, UNIQUE(household, event));
CREATE INDEX turns_of_tenant ON turns(tenant, seq);
CREATE TABLE notes(
  seq INTEGER PRIMARY KEY, household TEXT, event TEXT, tenant TEXT, kind TEXT, at REAL, body BLOB,
  UNIQUE(household, event, kind, body));
CREATE INDEX notes_of_tenant ON notes(tenant, seq);
CREATE TABLE shadows(
  seq INTEGER PRIMARY KEY, household TEXT, event TEXT, tenant TEXT, bundle TEXT, verdict TEXT,
  body BLOB, UNIQUE(household, event, bundle));
CREATE INDEX shadows_of_tenant ON shadows(tenant, seq);
"""


class Kind(IntFlag):
    """Why a decision is in the queue; a decision can have several kinds or none."""

    INTERRUPTED = 1
    LATE = 2
    UNCLASSIFIED = 4
    SHADOW = 8


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
        self._bounds = Bounds(self._database, most)
        self._changes = 0
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
                "INSERT OR REPLACE INTO turns(household, event, tenant, device, act, commits,"
                " local) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(event.household_id, event.event_id, tenant_of(event.household_id)),
                    *(event.device_id, event.act.value, event.commits, event.time.isoformat()),
                ),
            )
            self._bounds.keep("turns")

    def add_decision(self, decision: Decision, at: float) -> None:
        """Add a decision that was logged at ``at``; the first decision on an event counts."""
        home, event_id = decision.household_id, decision.event_id
        codes = "".join(f" {reason.code} " for reason in decision.reasons)
        with self._lock:
            if self._is_erased(home, at):
                return
            late = Kind(0) if self._note(home, event_id, "late") is None else Kind.LATE
            label = self._note(home, event_id, "label")
            shadows, bundles = self._shadows(home, event_id)
            kinds = kinds_of(decision) | late | (Kind.SHADOW if shadows else 0)
            self._database.execute(
                "INSERT OR IGNORE INTO decisions(household, event, tenant, session, at, intent,"
                " risk, bundle, verdict, kinds, codes, label, shadows, shadow_bundles, rule,"
                " changed, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(home, event_id, tenant_of(home), decision.session_id, at, decision.intent),
                    *(decision.risk_class.value, decision.bundle, decision.verdict.value),
                    *(int(kinds), codes, _said_by(label), shadows, bundles),
                    *(decision.rule or "", self._next_change(), DECISION.encode(decision)),
                ),
            )
            self._bounds.keep("decisions")

    def add_note(self, household: str, event_id: str, kind: str, at: float, body: bytes) -> None:
        """Add an outcome, an answer, a late answer or a label of an event."""
        with self._lock:
            if self._is_erased(household, at):
                return
            self._database.execute(
                "INSERT OR IGNORE INTO notes(household, event, tenant, kind, at, body)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (household, event_id, tenant_of(household), kind, at, body),
            )
            self._bounds.keep("notes")
            late = Kind.LATE if kind == "late" else 0
            self._touch(household, event_id, "kinds = kinds | ?", int(late))

    def add_label(self, label: Label, at: float) -> None:
        """Add a label that was logged at ``at``; the latest one of an event counts."""
        home, event_id = label.household_id, label.event_id
        with self._lock:
            self.add_note(home, event_id, "label", at, LABEL.encode(label))
            latest = _said_by(self._note(home, event_id, "label"))
            self._touch(home, event_id, "label = ?", latest)

    def add_shadow(self, verdict: ShadowVerdict) -> None:
        """Add a shadow's verdict; the first one of a bundle on an event counts."""
        home, event_id = verdict.household_id, verdict.event_id
        with self._lock:
            # The record can come after an erasure of the household; its event's time decides.
            if self._is_erased(home, verdict.time.timestamp()):
                return
            self._database.execute(
                "INSERT OR IGNORE INTO shadows(household, event, tenant, bundle, verdict, body)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(home, event_id, tenant_of(home), verdict.bundle, verdict.verdict.value),
                    SHADOW_VERDICT.encode(verdict),
                ),
            )
            self._bounds.keep("shadows")
            self._touch(home, event_id, "kinds = kinds | ?", int(Kind.SHADOW))
            self._database.execute(
                "UPDATE decisions SET (shadows, shadow_bundles) = (?, ?)"
                " WHERE household = ? AND event = ?",
                (*self._shadows(home, event_id), home, event_id),
            )

    def forget(self, household: str, at: float) -> None:
        """Remove a household that was erased at ``at``, and ignore its records up to then.

        The topics have no common order, so such records may still follow.
        """
        with self._lock:
            self._erased.pop(household, None)
            self._erased[household] = at
            if len(self._erased) > self._most:
                del self._erased[next(iter(self._erased))]
            for table in TABLES:
                self._database.execute(f"DELETE FROM {table} WHERE household = ?", (household,))  # noqa: S608 - names of our own

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

    def _shadows(self, household: str, event_id: str) -> tuple[str, str]:
        """Return the verdicts of shadows on an event, and their bundles, between spaces."""
        found = self._database.execute(
            "SELECT verdict, bundle FROM shadows WHERE household = ? AND event = ?",
            (household, event_id),
        ).fetchall()
        return (
            " ".join(sorted({verdict for verdict, _ in found})),
            "".join(f" {bundle} " for bundle in sorted({bundle for _, bundle in found})),
        )

    def _note(self, household: str, event_id: str, kind: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._database.execute(
            "SELECT body FROM notes WHERE household = ? AND event = ? AND kind = ?"
            " ORDER BY at DESC, seq DESC LIMIT 1",
            (household, event_id, kind),
        ).fetchone()
        return found
