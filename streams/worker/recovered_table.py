"""The household table, which recovers each household only from its own partition.

All partitions share one store in memory. After partitions were added, a household that moved may
have a tombstone in its old partition and its state in the new one, and recovery reads them in
arbitrary order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import faust

from streams.wire.state.marks import partition_of

__all__ = ["HouseholdTable"]


class HouseholdTable(faust.Table[bytes, bytes]):
    """A table that skips, and remembers, records in a partition other than their key's."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Partition and key of each misplaced state. Working without it would lose a household.
        self.strays: set[tuple[int, bytes]] = set()

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Apply a batch of the changelog."""
        super().apply_changelog_batch([event for event in batch if self._belongs(event.message)])

    def _belongs(self, message: Any) -> bool:
        if partition_of(message.key, self.partitions) == message.partition:
            return True
        stray = (message.partition, message.key)
        if message.value is None:
            self.strays.discard(stray)
        else:
            self.strays.add(stray)
        return False
