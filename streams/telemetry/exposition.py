"""What ``/metrics`` answers: every metric, in the format that the asker takes, from all processes that share a folder.

Exemplars (the decision behind a point on a graph) are in OpenMetrics only, which Prometheus asks for by itself. Where
``PROMETHEUS_MULTIPROC_DIR`` names a folder, prometheus_client keeps values in it and an answer adds up all processes that share it;
in that mode it has no exemplars. A file there that cannot be read is left out, counted and logged, each once.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.validation import METRIC_NAME_RE

from streams.telemetry import metrics
from streams.telemetry.metrics_folder import FOLDER, metrics_files, readable

__all__ = ["Together", "exposition"]

logger = logging.getLogger(__name__)

#: Files of the folder that were logged and counted.
_known_bad: set[str] = set()
#: So many are remembered; a folder in which more appear is not one for metrics.
_MOST_BAD = 10_000


def exposition(accept: str | None) -> tuple[bytes, str]:
    """Return the body and the content type for an ``Accept`` header."""
    encode, content_type = choose_encoder(accept or "")
    return encode(_registry()), content_type


def _registry() -> CollectorRegistry:
    folder = os.environ.get(FOLDER)
    if not folder:
        return REGISTRY
    try:
        paths = list(metrics_files(folder))
    except OSError as error:
        _report(folder, error.strerror or "it cannot be read")
        return REGISTRY  # this process's own numbers
    together = CollectorRegistry()
    together.register(Together(paths))
    return together


class Together(Collector):
    """The metrics of all processes: each file read by itself, and summed up as prometheus_client does."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._found: dict[str, Metric] = {}
        #: The name and the type of each, by the name without the suffix that only some formats write. Ours are known beforehand, so
        #: that no file can take them.
        self._types: dict[str, tuple[str, str]] = {
            metric.name.removesuffix("_total"): (metric.name.removesuffix("_total"), metric.kind)
            for metric in metrics.CATALOGUE.metrics
        }
        for path in paths:
            try:
                if readable(path):
                    self._add(MultiProcessCollector._read_metrics([str(path)]))  # type: ignore[no-untyped-call]  # noqa: SLF001
                else:
                    _report(path.name, "it is not a file of metrics")
            except FileNotFoundError:
                continue  # its process has ended
            except Exception as error:  # noqa: BLE001 - anything may lie in that folder
                _report(path.name, type(error).__name__)

    def collect(self) -> Iterable[Metric]:
        """Sum up."""
        found: Iterable[Metric] = MultiProcessCollector._accumulate_metrics(  # type: ignore[no-untyped-call]  # noqa: SLF001
            self._found, accumulate=True
        )
        return found

    def _add(self, read: dict[str, Metric]) -> None:
        """Take one file's metrics in, all or none.

        Raises:
            ValueError: one of them has no name, or another type than in a file before.
        """
        named = {name.removesuffix("_total"): (name, metric.type) for name, metric in read.items()}
        for stem, found in named.items():
            if self._types.get(stem, found) != found:
                raise ValueError(stem)
        for metric in read.values():
            _check(metric)
        self._types |= named
        for name, metric in read.items():
            if name in self._found:
                self._found[name].samples += metric.samples
            else:
                self._found[name] = metric


def _check(metric: Metric) -> None:
    """Refuse what could be read and cannot be written, by raising ``ValueError`` or ``TypeError``."""
    if not METRIC_NAME_RE.fullmatch(metric.name) or not isinstance(metric.documentation, str):
        raise ValueError(metric.name)
    for sample in metric.samples:
        labels: Any = sample.labels  # pairs, until they are summed up
        if not METRIC_NAME_RE.fullmatch(sample.name):
            raise ValueError(sample.name)
        for name, value in labels:
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(name)
            if name == "le" and metric.type == "histogram":
                float(value)


def _report(name: str, why: str) -> None:
    if name in _known_bad or len(_known_bad) >= _MOST_BAD:
        return
    _known_bad.add(name)
    metrics.UNREADABLE_FILES.inc()
    logger.warning(
        "%s in %s is left out of the metrics (%s); remove it", name, os.environ.get(FOLDER), why
    )
