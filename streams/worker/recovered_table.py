"""The household table, which recovers the latest state of each household from its own partition.

All partitions share one store in memory. After partitions were added, a household that moved may
have a tombstone in its old partition and its state in the new one, and recovery reads them in
arbitrary order.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable
from typing import Any

import faust

from streams.wire.records import header
from streams.wire.state.marks import partition_of
from streams.wire.state.progress import PROGRESS, is_behind

__all__ = ["HouseholdTable"]


class HouseholdTable(faust.Table[bytes, bytes]):
    """A table that skips, and remembers, records in a partition other than their key's.

    It also skips states that a worker wrote after it had lost their households to another worker.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Partition and key of each misplaced state. Working without it would lose a household.
        self.strays: set[tuple[int, bytes]] = set()
        #: Keys whose last record in the changelog is not the latest state. Compaction would keep
        #: that record alone.
        self.overwritten: set[bytes] = set()
        self._progress: dict[bytes, bytes] = {}

    async def send_state(
        self, partition: int, key: bytes, value: bytes, progress: bytes
    ) -> Future[Any]:
        """Write a state to the changelog; return its future acknowledgement.

        Faust's own way keeps a message with a future and callbacks for each state, to note the
        offset in a store on disk. The store is in memory.
        """
        producer: Any = self.app.producer
        sent: Future[Any] = await producer.send(
            self.changelog_topic.get_topic_name(),
            key,
            value,
            partition,
            None,
            [(PROGRESS, progress)],
        )
        return sent

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Apply a batch of the changelog."""
        super().apply_changelog_batch(
            [
                event
                for event in batch
                if self._belongs(event.message) and self._is_latest(event.message)
            ]
        )

    def end_recovery(self) -> set[bytes]:
        """Forget what only recovery needs; return the keys to write again."""
        overwritten, self.overwritten = self.overwritten, set()
        self._progress = {}
        return overwritten

    def _belongs(self, message: Any) -> bool:
        if partition_of(message.key, self.partitions) == message.partition:
            return True
        stray = (message.partition, message.key)
        if message.value is None:
            self.strays.discard(stray)
        else:
            self.strays.add(stray)
        return False

    def _is_latest(self, message: Any) -> bool:
        """Return whether a record's state is not behind one that was read before."""
        found = header(message.headers, PROGRESS)
        if found is None or message.value is None:
            self._progress.pop(message.key, None)
        elif is_behind(found, self._progress.get(message.key, b"")):
            self.overwritten.add(message.key)
            return False
        else:
            self._progress[message.key] = found
        self.overwritten.discard(message.key)
        return True
