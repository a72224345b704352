"""How a metric is declared: its Prometheus instrument and its entry in the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

__all__ = ["Catalogue", "Merge", "Metric", "Owner"]

T = TypeVar("T", bound=MetricWrapperBase)

#: The process that updates a metric.
Owner = Literal["worker", "gateway", "worker, gateway"]
#: How the values of a gauge from several processes are merged (prometheus_client's multiprocess
#: modes). Counters and histograms are added up.
Merge = Literal["livesum", "livemax", "livemin"]

#: Units that a metric name must end with. A count has the counted noun as its unit, and a
#: probability needs no suffix.
_SUFFIXES = frozenset({"seconds", "bytes", "ratio", "bits"})


@dataclass(frozen=True, slots=True)
class Metric:
    """The documentation of one metric.

    Attributes:
        name: the name in Prometheus. The series of a histogram add ``_bucket``, ``_sum`` and
            ``_count`` to it.
        kind: counter, gauge or histogram.
        unit: a base unit (seconds, bytes, ratio, bits), or the counted noun.
        labels: label names. No label identifies a household, device, user, slot or event.
        meaning: one sentence.
        owner: the process that updates the metric.
        merge: how the values of several processes are merged.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    labels: tuple[str, ...]
    meaning: str
    owner: Owner
    merge: Literal["sum"] | Merge = "sum"


class Catalogue:
    """Declares metrics and lists them in the order of declaration."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self._instruments: dict[str, MetricWrapperBase] = {}

    def counter(
        self, name: str, meaning: str, labels: Sequence[str] = (), *, unit: str, owner: Owner
    ) -> Counter:
        """Declare a value that only grows; ``name`` must end with ``_total``."""
        return self._add(
            Metric(name, "counter", unit, tuple(labels), meaning, owner),
            Counter(name, meaning, labels),
        )

    def gauge(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        *,
        unit: str,
        owner: Owner,
        merge: Merge,
    ) -> Gauge:
        """Declare a value that goes up and down."""
        gauge = Gauge(name, meaning, labels, multiprocess_mode=merge)
        return self._add(Metric(name, "gauge", unit, tuple(labels), meaning, owner, merge), gauge)

    def histogram(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        *,
        unit: str,
        owner: Owner,
        buckets: Sequence[float],
    ) -> Histogram:
        """Declare a distribution.

        Args:
            name: the metric's name.
            meaning: one sentence.
            labels: label names.
            unit: a base unit, or the counted noun.
            owner: the process that updates the metric.
            buckets: upper bounds of the classic buckets, in ``unit``.
        """
        histogram = Histogram(name, meaning, labels, buckets=buckets)
        return self._add(Metric(name, "histogram", unit, tuple(labels), meaning, owner), histogram)

    def show_only(self, owner: Literal["worker", "gateway"]) -> None:
        """Unregister the metrics that this process does not update.

        A gateway would otherwise export a block budget of 0 forever, and an alert would fire.
        """
        for metric in self.metrics:
            if metric.name in self._instruments and owner not in metric.owner.split(", "):
                REGISTRY.unregister(self._instruments.pop(metric.name))

    def _add(self, metric: Metric, instrument: T) -> T:
        if metric.kind == "counter" and not metric.name.endswith("_total"):
            raise ValueError(f"{metric.name}: the name of a counter must end with _total")
        stem = metric.name.removesuffix("_total")
        if metric.unit in _SUFFIXES and not stem.endswith((f"_{metric.unit}", "_probability")):
            raise ValueError(f"{metric.name}: the name must end with the unit {metric.unit}")
        self.metrics.append(metric)
        self._instruments[metric.name] = instrument
        return instrument
