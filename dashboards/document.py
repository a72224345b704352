"""The page ``metrics.md``, generated from the catalogue of metrics."""

from __future__ import annotations

from streams.telemetry.instruments import Metric
from streams.telemetry.metrics import CATALOGUE

__all__ = ["metrics_page"]

_HEAD = """# Metrics

`misfire dashboards build` generates this page from `streams/telemetry/metrics.py`; do not edit it.
Every worker and every gateway serves its metrics at `/metrics`, in OpenMetrics if the scraper
requests it. The series of a histogram end with `_bucket`, `_sum` and `_count`.

No label contains a household, a device, a user, a slot or an event. The bundle's vocabulary bounds
the values of `intent`; the bundles that were rolled out bound those of `bundle` and `version`.
Exemplars carry `decision_id`, which links a point on a graph to a decision. Prometheus stores them
with `--enable-feature=exemplar-storage`.

If `PROMETHEUS_MULTIPROC_DIR` names a folder, each process that uses it serves the metrics of all of
them. The last column gives the aggregation: counters and histograms are summed; a gauge is the sum
(`livesum`), the largest (`livemax`) or the smallest (`livemin`) over the running processes.
prometheus_client does not support exemplars in this mode.

| name | type | unit | labels | owner | meaning | processes |
|---|---|---|---|---|---|---|
"""


def metrics_page() -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(map(_row, CATALOGUE.metrics))


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    cells = (
        f"`{metric.name}`",
        metric.kind,
        metric.unit,
        labels,
        metric.owner,
        metric.meaning,
        metric.merge,
    )
    return f"| {' | '.join(cells)} |\n"
