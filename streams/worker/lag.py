"""The worker's lag: for each partition, the records that wait and the time of the last handled."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Gauge

from streams.telemetry import metrics

__all__ = ["Lag"]

#: Topic and partition.
Place = tuple[str, int]


class Lag:
    """Tracks the worker's position in each of its partitions and exports the lag as metrics."""

    def __init__(self) -> None:
        self._next: dict[Place, int] = {}
        #: Cache: finding the series of a partition takes longer than setting it.
        self._watermarks: dict[Place, Gauge] = {}

    def worked_on(self, topic: str, partition: int, offset: int, timestamp: float) -> None:
        """Note that a record was handled; ``timestamp`` is its log time in seconds."""
        self._next[topic, partition] = offset + 1
        watermark = self._watermarks.get((topic, partition))
        if watermark is None:
            watermark = metrics.WATERMARK_SECONDS.labels(topic, str(partition))
            self._watermarks[topic, partition] = watermark
        watermark.set(timestamp)

    def positions(self, topic: str) -> dict[int, int]:
        """Return the next offset of each assigned partition of a topic."""
        return {partition: at for (name, partition), at in self._next.items() if name == topic}

    def report(self, ends: Mapping[Place, tuple[int, int]]) -> None:
        """Export the number of waiting records, and drop partitions that were revoked.

        Args:
            ends: for each assigned partition, the offset at which reading started and the end
                offset (one past the last record).
        """
        for topic, partition in self._next.keys() - ends.keys():
            del self._next[topic, partition]
            # With metrics shared between processes, remove() has no effect; so set 0 first.
            metrics.LAG.labels(topic, str(partition)).set(0)
            metrics.LAG.remove(topic, str(partition))
        for (topic, partition), (began, end) in ends.items():
            position = self._next.setdefault((topic, partition), began)
            metrics.LAG.labels(topic, str(partition)).set(max(end - position, 0))
