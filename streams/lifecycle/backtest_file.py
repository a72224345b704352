"""The file of a backtest: what it has read, decided and counted, so that it can be resumed.

One SQLite transaction contains the positions in the log together with everything that was
concluded up to them. After an interruption the file is as the last transaction left it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from detector.contracts.decisions import RiskClass, Verdict
from detector.evaluation.backtest import Outcome
from detector.evaluation.disagreements import Disagreement
from detector.evaluation.truth import Report, Truth, truth_of
from detector.household.state import HouseholdState
from streams.errors import UsageError
from streams.wire.state.packing import FAST, Stored, pack, unpack

__all__ = ["BacktestFile", "Pair"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS positions (source TEXT PRIMARY KEY, next INTEGER);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, number INTEGER);
CREATE TABLE IF NOT EXISTS households (
    id TEXT PRIMARY KEY, active BLOB, candidate BLOB, conversation TEXT, turns TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    household TEXT, event TEXT, at REAL, allowed INTEGER,
    active_meant REAL, active_misfire REAL, candidate_meant REAL, candidate_misfire REAL,
    differing TEXT, PRIMARY KEY (household, event)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS published (
    household TEXT, event TEXT, ran INTEGER, PRIMARY KEY (household, event)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reports (
    household TEXT, event TEXT, number INTEGER, what TEXT,
    PRIMARY KEY (household, event, number)
) WITHOUT ROWID;
"""
_OUTCOMES = """
SELECT household, event, COALESCE(ran, allowed), active_meant, active_misfire,
    candidate_meant, candidate_misfire, differing,
    (SELECT group_concat(what) FROM (
        SELECT what FROM reports
        WHERE reports.household = commands.household AND reports.event = commands.event
        ORDER BY number))
FROM commands LEFT JOIN published USING (household, event)
WHERE at >= ? ORDER BY household, event
"""
#: The tables with rows of households.
_OWNED = (
    "DELETE FROM commands WHERE household = ?",
    "DELETE FROM published WHERE household = ?",
    "DELETE FROM reports WHERE household = ?",
    "DELETE FROM households WHERE id = ?",
)


@dataclass(slots=True)
class Pair:
    """A household under both bundles, and the turns of its latest conversation."""

    active: HouseholdState
    candidate: HouseholdState
    conversation: str = ""
    turns: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, household_id: str) -> Pair:
        """Return a household without any events."""
        return cls(HouseholdState.new(household_id), HouseholdState.new(household_id))


class BacktestFile:
    """The tables of a backtest. Nothing is kept until ``commit``.

    Args:
        path: the file; it is created if it does not exist.
        identity: what was compared on which log; another backtest's file is refused.

    Raises:
        UsageError: the file belongs to another backtest, or is no file of a backtest.
    """

    def __init__(self, path: Path | str, identity: Mapping[str, str]) -> None:
        try:
            self._db = sqlite3.connect(path)
            self._db.executescript(_SCHEMA)
            known = dict(self._db.execute("SELECT name, value FROM run"))
        except sqlite3.Error as error:
            raise UsageError(
                f"{path} cannot be used as a checkpoint ({error}); name another file"
            ) from None
        if known and known != dict(identity):
            differing = ", ".join(
                f"{name} was {known.get(name)} and is {identity.get(name)}"
                for name in sorted({*known, *identity})
                if known.get(name) != identity.get(name)
            )
            raise UsageError(
                f"{path} is the checkpoint of another backtest ({differing}); name another file"
            )
        self._db.executemany("INSERT OR IGNORE INTO run VALUES (?, ?)", identity.items())
        self._db.commit()

    def close(self) -> None:
        """Close the file; what was not committed is dropped."""
        self._db.close()

    def positions(self) -> dict[str, int]:
        """Return the next position of each source that was read."""
        return dict(self._db.execute("SELECT source, next FROM positions"))

    def counts(self) -> dict[str, int]:
        """Return the numbers of records by kind."""
        return dict(self._db.execute("SELECT name, number FROM counts"))

    def household(self, household_id: str) -> Pair:
        """Return a household; a new one if it is not in the file."""
        row = self._db.execute(
            "SELECT active, candidate, conversation, turns FROM households WHERE id = ?",
            (household_id,),
        ).fetchone()
        if row is None:
            return Pair.new(household_id)
        return Pair(unpack(row[0]).state, unpack(row[1]).state, row[2], json.loads(row[3]))

    def command(
        self,
        household_id: str,
        event_id: str,
        at: float,
        costs: tuple[tuple[float, float], tuple[float, float]],
        differing: Disagreement | None,
        *,
        allowed: bool,
    ) -> None:
        """Add a command; ``allowed`` is the verdict of the active bundle in the backtest."""
        text = None if differing is None else json.dumps(asdict(differing))
        self._db.execute(
            "INSERT OR IGNORE INTO commands VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (household_id, event_id, at, allowed, *costs[0], *costs[1], text),
        )

    def published(self, household_id: str, event_id: str, *, ran: bool) -> None:
        """Add what a published decision let happen."""
        self._db.execute(
            "INSERT OR IGNORE INTO published VALUES (?, ?, ?)", (household_id, event_id, ran)
        )

    def report(self, household_id: str, event_id: str, what: Report) -> None:
        """Add a report about a command."""
        self._db.execute(
            "INSERT INTO reports SELECT ?, ?, COALESCE(MAX(number), 0) + 1, ? FROM reports"
            " WHERE household = ? AND event = ?",
            (household_id, event_id, what.value, household_id, event_id),
        )

    def forget(self, household_id: str) -> None:
        """Remove everything of a household."""
        for statement in _OWNED:
            self._db.execute(statement, (household_id,))

    def commit(
        self, positions: Mapping[str, int], counts: Mapping[str, int], pairs: Iterable[Pair]
    ) -> None:
        """Keep what was added, the positions reached, and the households that changed."""
        rows = (
            (
                pair.active.household_id,
                pack(Stored(state=pair.active), level=FAST),
                pack(Stored(state=pair.candidate), level=FAST),
                pair.conversation,
                json.dumps(pair.turns),
            )
            for pair in pairs
        )
        self._db.executemany("INSERT OR REPLACE INTO households VALUES (?, ?, ?, ?, ?)", rows)
        self._db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
        self._db.executemany("INSERT OR REPLACE INTO counts VALUES (?, ?)", counts.items())
        self._db.commit()

    def unpublished(self, since: float) -> int:
        """Return how many commands since a time have no published decision."""
        row = self._db.execute(
            "SELECT COUNT(*) FROM commands LEFT JOIN published USING (household, event)"
            " WHERE at >= ? AND ran IS NULL",
            (since,),
        )
        found: int = row.fetchone()[0]
        return found

    def outcomes(self, since: float) -> Iterator[Outcome]:
        """Yield the commands since a time, household by household."""
        for household, _, ran, *costs, differing, what in self._db.execute(_OUTCOMES, (since,)):
            reports = [Report(each) for each in what.split(",")] if what else []
            truth = truth_of(reports, ran=bool(ran))
            yield Outcome(
                household,
                truth,
                ((costs[0], costs[1]), (costs[2], costs[3])),
                None if differing is None else _disagreement(json.loads(differing), truth),
            )


def _disagreement(found: dict[str, Any], truth: Truth) -> Disagreement:
    misfire = None if truth is Truth.UNSEEN else truth is Truth.MISFIRE
    one, other = found["verdicts"]
    return Disagreement(
        event_id=found["event_id"],
        intent=found["intent"],
        risk_class=RiskClass(found["risk_class"]),
        verdicts=(Verdict(one), Verdict(other)),
        probabilities=tuple(found["probabilities"]),
        reasons=tuple(found["reasons"]),
        chain=tuple(found["chain"]),
        misfire=misfire,
    )
