"""Questions to the index, each bound to the households of one tenant."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from detector.contracts.decisions import Decision, is_command
from streams.desk.filters import Filters
from streams.desk.index import Index
from streams.desk.rows import Cursor, Row, Turn, row_of, turn_of
from streams.wire.records import DECISION

__all__ = ["PAGE", "Queries"]

#: Rows of one page of the queue.
PAGE = 100
#: Turns of a chain that are shown; a conversation has at most 64 turns.
_MOST_TURNS = 64
#: Decisions of a household that its page summarises.
_MOST_OF_HOUSEHOLD = 5_000


class Queries:
    """Questions of one caller.

    Args:
        index: the index.
        tenant: the household key of the caller's tenant; ``None`` for all households.
    """

    def __init__(self, index: Index, tenant: str | None) -> None:
        self._index = index
        self._tenant = tenant

    def queue(self, filters: Filters, now: float, after: Cursor | None = None) -> list[Row]:
        """Return a page of the queue, the latest decisions first."""
        where, values = filters.where(now)
        if after is not None:
            where += " AND (at, seq) < (:at, :seq)"
            values |= {"at": after.at, "seq": after.seq}
        return self._rows(f"{where} ORDER BY at DESC, seq DESC LIMIT {PAGE}", values)

    def changed(self, filters: Filters, now: float, since: int) -> list[Row]:
        """Return the decisions that changed after a change, the latest changes last.

        Decisions that the filters no longer select because they got a label are included.
        """
        where, values = filters.where(now)
        where = where.removesuffix(" AND label = ''")
        values["changed"] = since
        return self._rows(f"{where} AND changed > :changed ORDER BY changed LIMIT {PAGE}", values)

    def count(self, filters: Filters, now: float) -> int:
        """Return how many decisions the filters select."""
        ((found,),) = self._select("count(*) FROM decisions", *filters.where(now))
        return int(found)

    def turn(self, household: str, event_id: str) -> Turn | None:
        """Return a decision with its event and the notes on it."""
        rows = self._rows(
            "household = :household AND event = :event",
            {"household": household, "event": event_id},
        )
        return self._with_events(rows)[0] if rows else None

    def chain(self, row: Row) -> list[Turn]:
        """Return the turns of a decision's chain, up to and including it.

        They are the latest turns whose bits add up to the chain's; earlier ones may be missing if
        the index does not reach back so far.
        """
        decision = row.decision
        values = {
            "household": decision.household_id,
            "session": decision.session_id,
            "at": row.at,
            "seq": row.cursor.seq,
        }
        rows = self._rows(
            "household = :household AND session = :session AND (at, seq) <= (:at, :seq)"
            f" ORDER BY at DESC, seq DESC LIMIT {_MOST_TURNS}",
            values,
        )
        left, kept = decision.surprisal_bits, list[Row]()
        for each in rows:
            # Bits are rounded to six decimals.
            if kept and left < 1e-4:
                break
            kept.append(each)
            left -= each.decision.event_bits
        return self._with_events(kept[::-1])

    def household(self, household: str) -> list[Turn]:
        """Return the latest turns of a household, the oldest first."""
        rows = self._rows(
            f"household = :household ORDER BY at DESC, seq DESC LIMIT {_MOST_OF_HOUSEHOLD}",
            {"household": household},
        )
        return self._with_events(rows[::-1])

    def recent(self, most: int) -> list[Row]:
        """Return the tenant's latest decisions, the latest first."""
        return self._rows(f"1 ORDER BY seq DESC LIMIT {most}", {})

    def commands(self, most: int) -> list[tuple[Decision, str | None]]:
        """Return the tenant's latest decisions on commands, the latest first.

        Each has its device, or ``None`` if the event is not in the index.
        """
        rows = self._select(
            "body, device FROM decisions LEFT JOIN (SELECT household, event, device FROM turns)"
            " USING(household, event)",
            f"1 ORDER BY seq DESC LIMIT {most}",
        )
        decided = ((DECISION.decode(row["body"]), row["device"]) for row in rows)
        return [each for each in decided if is_command(each[0])]

    def bundles(self) -> dict[tuple[str, str, str], int]:
        """Return the number of commands by bundle, risk class and verdict."""
        rows = self._select(
            "bundle, risk, verdict, count(*) FROM decisions"
            " JOIN (SELECT household, event, commits FROM turns) USING(household, event)",
            "commits GROUP BY 1, 2, 3",
        )
        return {(bundle, risk, verdict): number for bundle, risk, verdict, number in rows}

    def values(self, column: str, where: str = "kinds > 0") -> set[str]:
        """Return the distinct words of a column, by default among decisions in the queue."""
        rows = self._select(f"DISTINCT {column} FROM decisions", where)
        return {word for (text,) in rows for word in text.split()}

    def changed_by_rules(self) -> dict[str, int]:
        """Return the number of decisions that each rule changed or classified, by its id."""
        return dict(
            tuple(row)
            for row in self._select("rule, count(*) FROM decisions", "rule <> '' GROUP BY rule")
        )

    def _rows(self, where: str, values: Mapping[str, object]) -> list[Row]:
        return [row_of(each) for each in self._select("* FROM decisions", where, values)]

    def _select(
        self, what: str, where: str, values: Mapping[str, object] = MappingProxyType({})
    ) -> list[sqlite3.Row]:
        """Return what a query finds among the households of the caller's tenant.

        Args:
            what: columns and tables.
            where: the condition, and what follows it.
            values: the parameters of ``where``.
        """
        if self._tenant is not None:
            where = f"tenant = :tenant AND {where}"
        query = f"SELECT {what} WHERE {where}"
        with self._index.reading() as database:
            return database.execute(query, {**values, "tenant": self._tenant}).fetchall()

    def _with_events(self, rows: Sequence[Row]) -> list[Turn]:
        with self._index.reading() as database:
            return [turn_of(database, row) for row in rows]
