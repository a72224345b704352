"""The documentation page of the metrics, drawn from their list."""

from __future__ import annotations

from streams.telemetry.instruments import Metric
from streams.telemetry.metrics import CATALOGUE

__all__ = ["metrics_page"]

_HEAD = """# Metrics

Drawn from the list in `streams/telemetry/metrics.py` by `misfire dashboards build`; do not edit it here. Every worker and every gateway
serves its own at `/metrics`, in OpenMetrics where the scraper asks for it. A histogram's series end with `_bucket`, `_sum` and
`_count`.

No label ever holds a household, a device, a user, a slot or an event. `intent` is bounded by the bundle's vocabulary, `bundle`
and `version` by the bundles that were rolled out. Exemplars carry `decision_id`, so that a point on a graph leads to a decision;
Prometheus keeps them with `--enable-feature=exemplar-storage`.

Where `PROMETHEUS_MULTIPROC_DIR` names a folder, all processes that share it answer for each other. The last column says how
their values become one: counters and histograms are summed; a gauge is the sum (`livesum`), the largest (`livemax`) or the
smallest (`livemin`) of the processes that live. prometheus_client has no exemplars in this mode.

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
