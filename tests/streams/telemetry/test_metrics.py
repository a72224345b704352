from __future__ import annotations

import re

import pytest
from prometheus_client.metrics import MetricWrapperBase

from streams.telemetry import metrics
from streams.telemetry.instruments import Catalogue, Metric

METRICS = metrics.CATALOGUE.metrics
IDENTITIES = {
    "household",
    "device",
    "user",
    "speaker",
    "session",
    "slot",
    "event",
    "decision",
    "trace",
}


def constants() -> dict[str, MetricWrapperBase]:
    found = {name: getattr(metrics, name) for name in metrics.__all__}
    return {name: value for name, value in found.items() if isinstance(value, MetricWrapperBase)}


def test_the_catalogue_lists_the_exported_metrics() -> None:
    exported = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for value in constants().values()
        for family in value.describe()
    }

    assert {metric.name: metric.kind for metric in METRICS} == exported


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_and_descriptions_follow_prometheus_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"misfire_[a-z_]+", metric.name)
    assert metric.meaning.endswith(".")
    assert metric.unit
    assert not re.search(
        r"_(milliseconds|ms|minutes|percent|kilobytes|mb|counter|gauge)(_|$)", metric.name
    )


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_no_label_identifies_a_person_or_household(metric: Metric) -> None:
    for label in metric.labels:
        assert not IDENTITIES & set(label.split("_")), label
        assert "id" not in label.split("_")


@pytest.mark.parametrize(
    ("name", "unit", "said"),
    [("misfire_done", "things", "_total"), ("misfire_wait_total", "seconds", "seconds")],
)
def test_a_metric_with_a_wrong_name_is_refused(name: str, unit: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Catalogue().counter(name, "Never.", unit=unit, owner="worker")
