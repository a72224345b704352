"""How a metric is declared: what Prometheus needs to know, and beside it what a reader of the documentation needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

__all__ = ["Catalogue", "Merge", "Metric", "Owner"]

T = TypeVar("T", bound=MetricWrapperBase)

#: The process that moves a metric.
Owner = Literal["worker", "gateway", "worker, gateway"]
#: How a gauge's values of several processes become one (prometheus_client's multiprocess modes); counters and histograms add up.
Merge = Literal["livesum", "livemax", "livemin"]

#: Units that a name has to end with. Whatever is merely counted has its own word as unit; a probability needs none.
_SUFFIXES = frozenset({"seconds", "bytes", "ratio", "bits"})


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as the documentation shows it.

    Attributes:
        name: as Prometheus stores it; a histogram's series have ``_bucket``, ``_sum`` and ``_count`` behind it.
        kind: counter, gauge or histogram.
        unit: a base unit (seconds, bytes, ratio, bits), or what is counted.
        labels: their names. None is ever a household, device, user, slot or event.
        meaning: one sentence.
        owner: which process moves it.
        merge: how the values of several processes become one.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    labels: tuple[str, ...]
    meaning: str
    owner: Owner
    merge: Literal["sum"] | Merge = "sum"


class Catalogue:
    """Declares metrics and keeps the list of them, in the order of their declaration."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self._instruments: dict[str, MetricWrapperBase] = {}

    def counter(
        self, name: str, meaning: str, labels: Sequence[str] = (), *, unit: str, owner: Owner
    ) -> Counter:
        """Declare what only grows; ``name`` ends with ``_total``."""
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
        """Declare what goes up and down."""
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
        """Declare a distribution; ``buckets`` are the upper ends of its classic buckets, in the unit."""
        histogram = Histogram(name, meaning, labels, buckets=buckets)
        return self._add(Metric(name, "histogram", unit, tuple(labels), meaning, owner), histogram)

    def show_only(self, owner: Literal["worker", "gateway"]) -> None:
        """Show what this process moves and nothing else: a gateway's block budget would be 0 for ever, and an alarm."""
        for metric in self.metrics:
            if metric.name in self._instruments and owner not in metric.owner.split(", "):
                REGISTRY.unregister(self._instruments.pop(metric.name))

    def _add(self, metric: Metric, instrument: T) -> T:
        if metric.kind == "counter" and not metric.name.endswith("_total"):
            raise ValueError(f"{metric.name}: the name of a counter ends with _total")
        stem = metric.name.removesuffix("_total")
        if metric.unit in _SUFFIXES and not stem.endswith((f"_{metric.unit}", "_probability")):
            raise ValueError(f"{metric.name}: its unit is {metric.unit}, so its name ends with it")
        self.metrics.append(metric)
        self._instruments[metric.name] = instrument
        return instrument
