"""What one transaction reads and writes in a household file: states, kept records and rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from detector.contracts.rules import Rule
from detector.decision.rule_set import RuleBook
from detector.household.state import HouseholdState
from streams.errors import RecordError
from streams.wire.records import RULE, Kind
from streams.wire.state.packing import Packer, Stored, unpack

__all__ = ["KeptRecord", "Transaction"]


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A kept record: its number, arrival in seconds since the epoch, CloudEvents type and JSON."""

    number: int
    at: float
    household_id: str
    type: str
    value: bytes


class Transaction:
    """Reads and writes within one transaction of a ``HouseholdFile``.

    ``known_rules`` are the rules that were read, or ``None`` if they may have changed.
    """

    def __init__(
        self,
        file: sqlite3.Connection,
        cached: dict[str, Stored],
        packer: Packer,
        known_rules: RuleBook | None = None,
    ) -> None:
        self._file = file
        self._cached = cached
        self._packer = packer
        self.written: dict[str, Stored] = {}
        self.known_rules = known_rules

    def stored(self, household_id: str) -> Stored:
        """Return a household's state; a new one if the file does not have it."""
        known = self._cached.get(household_id)
        if known is None:
            row = self._file.execute(
                "SELECT state FROM households WHERE household_id = ?", (household_id,)
            ).fetchone()
            known = unpack(row[0]) if row else Stored(state=HouseholdState.new(household_id))
        return known

    def put(self, stored: Stored) -> None:
        """Write a household's state."""
        household_id = stored.state.household_id
        self._file.execute(
            "INSERT OR REPLACE INTO households VALUES (?, ?)",
            (household_id, self._packer.pack(stored)),
        )
        self.written[household_id] = stored

    def add(self, kind: Kind[Any], value: Any, *, at: float) -> None:
        """Keep a record that arrived at ``at``."""
        self._file.execute(
            "INSERT INTO records (at, household_id, type, value) VALUES (?, ?, ?, ?)",
            (at, value.household_id, kind.type, kind.encode(value)),
        )

    def rules(self) -> RuleBook:
        """Return the rules; one that cannot be read is left out."""
        if self.known_rules is None:
            found = {}
            for (value,) in self._file.execute("SELECT value FROM rules WHERE removed_at IS NULL"):
                with suppress(RecordError):  # of a later version
                    rule = RULE.decode(value)
                    found[rule.rule_id] = rule
            self.known_rules = RuleBook(found)
        return self.known_rules

    def add_rule(self, rule: Rule) -> None:
        """Add a rule."""
        self._file.execute(
            "INSERT OR REPLACE INTO rules (rule_id, value) VALUES (?, ?)",
            (rule.rule_id, RULE.encode(rule)),
        )
        self.known_rules = None

    def remove_rule(self, rule_id: str, *, at: float, by: str, why: str) -> None:
        """Remove a rule at ``at``, and keep who did it and why."""
        self._file.execute(
            "UPDATE rules SET removed_at = ?, removed_by = ?, removed_why = ? WHERE rule_id = ?",
            (at, by, why, rule_id),
        )
        self.known_rules = None

    def delete_before(self, at: float) -> None:
        """Delete the records that arrived before ``at``, and the rules that were removed before."""
        self._file.execute("DELETE FROM records WHERE at < ?", (at,))
        self._file.execute("DELETE FROM rules WHERE removed_at < ?", (at,))

    def erase(self, household_id: str) -> int:
        """Delete everything about a household, and return the number of its records."""
        self._file.execute("DELETE FROM households WHERE household_id = ?", (household_id,))
        self._file.execute(
            "DELETE FROM rules WHERE json_extract(CAST(value AS TEXT), '$.household_id') = ?",
            (household_id,),
        )
        self.known_rules = None
        return self._file.execute(
            "DELETE FROM records WHERE household_id = ?", (household_id,)
        ).rowcount

    def households(self) -> list[str]:
        """Return the households of the file, sorted."""
        return [
            row[0]
            for row in self._file.execute(
                "SELECT household_id FROM households"
                " UNION SELECT household_id FROM records ORDER BY 1"
            )
        ]

    def records(self, household_id: str | None = None) -> Iterator[KeptRecord]:
        """Yield the kept records in order of arrival, of one household or of all."""
        for row in self._file.execute(
            "SELECT number, at, household_id, type, value FROM records"
            " WHERE household_id = ?1 OR ?1 IS NULL ORDER BY number",
            (household_id,),
        ):
            yield KeptRecord(*row)
