"""The order of a stream: sorted by time, without repetitions, and with sessions.

Foreign logs begin with the latest record, or have no order. SQLite sorts the events in a temporary
database that has no name and holds only tokens, so any number of events fits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

from detector.contracts.events import IntentEvent, session_of
from streams.files.importers.converting import Converted
from streams.files.importers.tally import Tally
from streams.files.understanding import OTHER
from streams.wire.records import INTENT

__all__ = ["Sorted"]

#: Events that are inserted at once.
_BATCH = 1_000


class Sorted:
    """Events in the order of time.

    Args:
        converted: events in any order, with their labels.
        silence: a device's session ends after this much silence.
        tally: counts what is written.
    """

    def __init__(self, converted: Iterator[Converted], silence: timedelta, tally: Tally) -> None:
        self._silence, self._tally = silence, tally
        # The empty name is a temporary file, which SQLite deletes.
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE events (id TEXT PRIMARY KEY, time REAL, event BLOB, label TEXT)"
            " WITHOUT ROWID"
        )
        batch: list[tuple[str, float, bytes, str]] = []
        read = 0
        for event, label in converted:
            batch.append((event.event_id, event.seconds, INTENT.encode(event), label))
            read += 1
            if len(batch) == _BATCH:
                self._insert(batch)
                batch.clear()
        self._insert(batch)
        self._database.execute("CREATE INDEX by_time ON events (time, id)")
        (self.count,) = self._database.execute("SELECT count(*) FROM events").fetchone()
        tally.repeated = read - self.count

    def close(self) -> None:
        """Delete the temporary database."""
        self._database.close()

    def events(self) -> Iterator[IntentEvent]:
        """Yield the events with their sessions."""
        latest: dict[tuple[str, str], tuple[datetime, str]] = {}
        homes: set[str] = set()
        with closing(self._database.execute("SELECT event FROM events ORDER BY time, id")) as rows:
            for (data,) in rows:
                event = INTENT.decode(data)
                device = event.household_id, event.device_id
                before, session = latest.get(device, (None, ""))
                named = event.session_id != session_of(event.device_id)
                begins = (
                    event.session_id != session
                    if named
                    else before is None or event.time - before > self._silence
                )
                if begins:
                    session = event.session_id if named else f"s_{event.event_id}"
                latest[device] = event.time, session
                homes.add(event.household_id)
                self._count(event, begins)
                yield replace(event, session_id=session)
        self._tally.households, self._tally.devices = len(homes), len(latest)

    def labels(self) -> Iterator[tuple[str, str, str]]:
        """Yield (event_id, label, chain_id) of the events with a label, in the order of time."""
        for event_id, label in self._database.execute(
            "SELECT id, label FROM events WHERE label != '' ORDER BY time, id"
        ):
            self._tally.labels += 1
            yield event_id, label, event_id

    def _insert(self, batch: list[tuple[str, float, bytes, str]]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", batch)

    def _count(self, event: IntentEvent, begins: bool) -> None:
        tally, time = self._tally, event.time.isoformat()
        tally.events += 1
        tally.other += event.intent == OTHER
        tally.domains[event.domain] = tally.domains.get(event.domain, 0) + 1
        tally.sessions += begins
        tally.first, tally.last = tally.first or time, time
