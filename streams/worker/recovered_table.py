"""The households as Faust recovers them from the changelog: each from its own partition, and from no other.

The memory is one for all partitions. A household that moved, since its topic got more of them, may have a tombstone in the partition
where it was, and its state in the one where it is now; which of the two is read last, chance decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import faust

from streams.wire.state.marks import partition_of

__all__ = ["HouseholdTable"]


class HouseholdTable(faust.Table[bytes, bytes]):
    """A table that leaves out what stands in another partition than its key's, and remembers that it did."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Partition and key of each state that is not where it belongs: to work without it would be to forget a household.
        self.strays: set[tuple[int, bytes]] = set()

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Take a batch of the changelog in."""
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
