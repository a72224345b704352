"""How far the worker is behind: per partition, what waits and when what was worked on last had come."""

from __future__ import annotations

from collections.abc import Mapping

from streams.telemetry import metrics

__all__ = ["Lag"]

#: Topic and partition.
Place = tuple[str, int]


class Lag:
    """Keeps where the worker stands in each of its partitions, and says so in metrics."""

    def __init__(self) -> None:
        self._next: dict[Place, int] = {}

    def worked_on(self, topic: str, partition: int, offset: int, timestamp: float) -> None:
        """Take in that a record was worked on.

        Args:
            topic: where it stood.
            partition: the same.
            offset: the same.
            timestamp: the broker's, in seconds.
        """
        self._next[topic, partition] = offset + 1
        metrics.WATERMARK_SECONDS.labels(topic, str(partition)).set(timestamp)

    def report(self, ends: Mapping[Place, tuple[int, int]]) -> None:
        """Say how many records wait in each partition; one that is somebody else's now is no longer spoken of.

        Args:
            ends: for each partition of this worker the offset at which it began to read, and the one behind the last record.
        """
        for topic, partition in self._next.keys() - ends.keys():
            del self._next[topic, partition]
            metrics.LAG.labels(topic, str(partition)).set(
                0
            )  # where processes share a folder, removing does nothing
            metrics.LAG.remove(topic, str(partition))
        for (topic, partition), (began, end) in ends.items():
            stands = self._next.setdefault((topic, partition), began)
            metrics.LAG.labels(topic, str(partition)).set(max(end - stands, 0))
