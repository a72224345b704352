"""Keeps each table of the index within a bound, without one tenant evicting another's records."""

from __future__ import annotations

import sqlite3
from collections import Counter

__all__ = ["TABLES", "Bounds"]

#: The tables of the index, and how many records each keeps per decision. Most decisions have one
#: turn and at most two notes; few are ones on which a shadow differs, whose records are large.
TABLES = {"decisions": 1.0, "turns": 1.1, "notes": 2.0, "shadows": 0.2}
#: A table is checked after this share of the largest number of decisions was added to it.
_STEP = 100


class Bounds:
    """The bounds of an index.

    When a table is full, records that belong to no decision go first, and then the tenant with the
    most records loses its oldest ones. A flood therefore evicts only its own.

    Args:
        database: the index.
        most: the largest number of decisions.
    """

    def __init__(self, database: sqlite3.Connection, most: int) -> None:
        self._database = database
        self._most = most
        self._step = max(most // _STEP, 1)
        self._added = Counter[str]()

    def keep(self, table: str) -> None:
        """Count a record that was added to a table; evict others if the table is full."""
        self._added[table] += 1
        if self._added[table] < self._step:
            return
        self._added[table] = 0
        most = int(self._most * TABLES[table]) - self._step
        if self._excess(table, most) > 0 and table != "decisions":
            self._evict_strays(table)
        while (excess := self._excess(table, most)) > 0:
            self._evict(table, excess)

    def _excess(self, table: str, most: int) -> int:
        (found,) = self._database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - names of our own
        return int(found) - most

    def _evict(self, table: str, excess: int) -> None:
        """Remove the oldest records of the largest tenant, down to the size of the next one."""
        (tenant, largest), *others = self._database.execute(
            f"SELECT tenant, count(*) FROM {table} GROUP BY tenant ORDER BY 2 DESC LIMIT 2"  # noqa: S608 - as above
        ).fetchall()
        ahead = largest - others[0][1] if others else largest
        self._database.execute(
            f"DELETE FROM {table} WHERE seq IN"  # noqa: S608 - as above
            f" (SELECT seq FROM {table} WHERE tenant = ? ORDER BY seq LIMIT ?)",
            (tenant, min(excess, max(ahead, self._step))),
        )

    def _evict_strays(self, table: str) -> None:
        """Remove what belongs to no decision, except the latest records: theirs may follow."""
        self._database.execute(
            f"DELETE FROM {table} WHERE seq < (SELECT max(seq) FROM {table}) - ?"  # noqa: S608 - as above
            " AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.household ="
            f" {table}.household AND d.event = {table}.event)",
            (self._most // 10,),
        )
