"""The body of ``/metrics``: every metric, content-negotiated, merged over a shared folder.

Only OpenMetrics, which Prometheus requests by default, carries exemplars (the decision behind a
point on a graph). If ``PROMETHEUS_MULTIPROC_DIR`` names a folder, prometheus_client stores the
values in files there, and a response merges the files of all processes. Exemplars are not
available in that mode. An unreadable file is skipped; it is counted and logged once.
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

__all__ = ["MergedMetrics", "exposition"]

logger = logging.getLogger(__name__)

#: Unreadable files that were already counted and logged.
_known_bad: set[str] = set()
#: How many unreadable files are remembered. A folder with more is not a metrics folder.
_MOST_BAD = 10_000


def exposition(accept: str | None) -> tuple[bytes, str]:
    """Return the response body and its content type for an ``Accept`` header."""
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
        return REGISTRY  # only this process's metrics
    merged = CollectorRegistry()
    merged.register(MergedMetrics(paths))
    return merged


class MergedMetrics(Collector):
    """The metrics of all processes, merged as prometheus_client merges them.

    Each file is read separately, so a damaged file affects only its own metrics.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._found: dict[str, Metric] = {}
        #: Name and type of each metric, keyed by the name without ``_total``, which only some
        #: formats write. It starts with our own metrics, so no file can redefine them.
        self._types: dict[str, tuple[str, str]] = {
            metric.name.removesuffix("_total"): (metric.name.removesuffix("_total"), metric.kind)
            for metric in metrics.CATALOGUE.metrics
        }
        for path in paths:
            try:
                if readable(path):
                    self._add(MultiProcessCollector._read_metrics([str(path)]))  # type: ignore[no-untyped-call]  # noqa: SLF001
                else:
                    _report(path.name, "it is not a metrics file")
            except FileNotFoundError:
                continue  # its process has exited
            except Exception as error:  # noqa: BLE001 - the folder can contain anything
                _report(path.name, type(error).__name__)

    def collect(self) -> Iterable[Metric]:
        """Return the merged metrics."""
        found: Iterable[Metric] = MultiProcessCollector._accumulate_metrics(  # type: ignore[no-untyped-call]  # noqa: SLF001
            self._found, accumulate=True
        )
        return found

    def _add(self, read: dict[str, Metric]) -> None:
        """Add the metrics of one file: all of them, or none.

        Raises:
            ValueError: a metric has an invalid name, or a different type in an earlier file.
            TypeError: a label is not a string.
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
    """Raise ``ValueError`` or ``TypeError`` for a metric that can be read but not written."""
    if not METRIC_NAME_RE.fullmatch(metric.name) or not isinstance(metric.documentation, str):
        raise ValueError(metric.name)
    for sample in metric.samples:
        labels: Any = sample.labels  # a sequence of pairs until the samples are merged
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
