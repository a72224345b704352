"""Whether the workers are alive: when each partition last answered, and which to probe.

A responsive broker does not imply responsive workers. If a partition has no recent answer, the
gateway sends a probe through the log: a record in the intents topic with its own type and no
household. The partition's worker answers it and does nothing else with it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable

__all__ = ["FRESH_SECONDS", "WorkerLiveness"]

#: Seconds for which an answer shows that a partition's worker is alive: longer than a rebalance,
#: so only a dead worker is reported.
FRESH_SECONDS = 15.0
#: A partition is probed again after this time, so an idle gateway stays ready.
_RENEW_SECONDS = FRESH_SECONDS / 2
#: Minimum seconds between two probes of a partition, however often readiness is checked.
_PROBE_SECONDS = 2.0


class WorkerLiveness:
    """Tracks when each partition last answered and was last probed.

    Args:
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[int, float] = {}
        self._probed: dict[int, float] = {}
        #: By partition, the correlation id of its latest probe.
        self._waiting: dict[int, str] = {}
        self._partitions: frozenset[int] = frozenset()
        self._topic_exists = True

    def follow(self, partitions: Iterable[int]) -> None:
        """Set the current partitions of the intents topic.

        An empty set means that the topic does not exist; all its former partitions are missing.
        """
        found = frozenset(partitions)
        self._topic_exists = bool(found)
        self._partitions = found or self._partitions

    def forget(self) -> None:
        """Forget all answers after a lost connection."""
        for kept in (self._heard, self._probed, self._waiting):
            kept.clear()

    def record_answer(self, partition: int) -> None:
        """Record that a partition's worker has answered."""
        if partition in self._partitions:
            self._heard[partition] = self._clock()

    def record_probe_answer(self, partition: int, correlation: str) -> None:
        """Record the answer to a probe; ignore it if it is not the latest probe's."""
        if self._waiting.get(partition) == correlation:
            del self._waiting[partition]
            self.record_answer(partition)

    def missing(self) -> list[int]:
        """Return the partitions without a recent answer."""
        return sorted(
            each
            for each in self._partitions
            if not self._topic_exists or not self._within(self._heard, each, FRESH_SECONDS)
        )

    def probes(self) -> list[tuple[int, str]]:
        """Return the partitions to probe now, with correlation ids, and mark them as probed."""
        due = sorted(
            each
            for each in self._partitions
            if self._topic_exists
            and not self._within(self._heard, each, _RENEW_SECONDS)
            and not self._within(self._probed, each, _PROBE_SECONDS)
        )
        made = [(partition, uuid.uuid4().hex) for partition in due]
        self._waiting.update(made)
        self._probed |= dict.fromkeys(due, self._clock())
        return made

    def _within(self, times: dict[int, float], partition: int, seconds: float) -> bool:
        return partition in times and self._clock() - times[partition] < seconds
