"""Whether workers answer: when the last answer came from each partition, and what to ask where none came lately.

A broker that answers says nothing about workers. Where no traffic brings answers, a probe goes through the log: a record among the
intents, of its own type and of no household, which the partition's worker answers and does nothing else with.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable

__all__ = ["FRESH_SECONDS", "Pulse"]

#: Seconds for which an answer says that its partition's worker is there. A rebalance takes less; a dead worker is noticed after it.
FRESH_SECONDS = 15.0
#: An answer that is older is renewed, so that a gateway that is asked now and then stays ready.
_RENEW_SECONDS = FRESH_SECONDS / 2
#: Between two probes of one partition at least, however often readiness is asked for.
_PROBE_SECONDS = 2.0


class Pulse:
    """Keeps when each partition answered, and when it was probed.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[int, float] = {}
        self._probed: dict[int, float] = {}
        #: By partition, what the answer to its latest probe will be told by.
        self._waiting: dict[int, str] = {}
        self._partitions: frozenset[int] = frozenset()
        self._there = True

    def follow(self, partitions: Iterable[int]) -> None:
        """Take in which partitions the intents have now; none where the topic is not there, and those that it had are missing."""
        found = frozenset(partitions)
        self._there = bool(found)
        self._partitions = found or self._partitions

    def forget(self) -> None:
        """Forget what was heard: the connection was lost, and who answered before may be gone."""
        for kept in (self._heard, self._probed, self._waiting):
            kept.clear()

    def heard(self, partition: int) -> None:
        """Take in that a partition's worker has answered."""
        if partition in self._partitions:
            self._heard[partition] = self._clock()

    def answered(self, partition: int, correlation: str) -> None:
        """Take in the answer to a probe; one that is not waited for says nothing."""
        if self._waiting.get(partition) == correlation:
            del self._waiting[partition]
            self.heard(partition)

    def missing(self) -> list[int]:
        """Return the partitions from which no answer came lately."""
        return sorted(
            each
            for each in self._partitions
            if not self._there or not self._within(self._heard, each, FRESH_SECONDS)
        )

    def probes(self) -> list[tuple[int, str]]:
        """Return the partitions that are to be probed now, each with its probe's correlation id, and take them for probed."""
        due = sorted(
            each
            for each in self._partitions
            if self._there
            and not self._within(self._heard, each, _RENEW_SECONDS)
            and not self._within(self._probed, each, _PROBE_SECONDS)
        )
        made = [(partition, uuid.uuid4().hex) for partition in due]
        self._waiting.update(made)
        self._probed |= dict.fromkeys(due, self._clock())
        return made

    def _within(self, times: dict[int, float], partition: int, seconds: float) -> bool:
        return partition in times and self._clock() - times[partition] < seconds
