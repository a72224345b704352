from __future__ import annotations

from pathlib import Path

from dashboards.document import metrics_page
from streams.telemetry.metrics import CATALOGUE

PAGE = Path(__file__).parents[2] / "dashboards" / "metrics.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == metrics_page(), "stale page: run 'misfire dashboards build'"


def test_every_metric_has_a_row() -> None:
    for metric in CATALOGUE.metrics:
        assert f"| `{metric.name}` | {metric.kind} | {metric.unit} |" in metrics_page()
