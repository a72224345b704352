from __future__ import annotations

import re

import pytest
from prometheus_client.metrics import MetricWrapperBase

from dashboards.queries import EVERYTHING, QUERIES, Query, filled
from streams.telemetry import metrics

#: Metrics that prometheus_client adds to every process, and labels that Prometheus adds.
STANDARD = {"process_start_time_seconds"}
TARGET = {"environment", "instance"}
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}


def exported() -> dict[str, tuple[str, set[str]]]:
    """Map each exported series to its constant in streams.telemetry.metrics and its labels."""
    series = {}
    for constant in metrics.__all__:
        metric = getattr(metrics, constant)
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            for suffix in SUFFIXES[family.type]:
                labels = set(metric._labelnames) | ({"le"} if suffix == "_bucket" else set())
                series[family.name + suffix] = (constant, labels)
    return series


def series_of(query: Query) -> set[str]:
    return set(re.findall(r"\b(?:misfire|process)_\w+(?=\{)", query.promql))


def labels_of(query: Query) -> set[str]:
    grouped = re.findall(r"\bby \(([^)]*)\)", query.promql)
    matched = re.findall(r"[{,]\s*(\w+)\s*(?:=|!=|=~|!~)\s*\"", query.promql)
    return {label.strip() for group in grouped for label in group.split(",")} | set(matched)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_uses_only_exported_series_and_labels(query: Query) -> None:
    known = exported()
    assert series_of(query)
    assert series_of(query) <= known.keys() | STANDARD
    assert labels_of(query) <= TARGET.union(
        *(known[name][1] for name in series_of(query) - STANDARD)
    )


def test_every_metric_has_a_query() -> None:
    known = exported()
    asked = {known[name][0] for query in QUERIES for name in series_of(query) - STANDARD}

    assert asked == {constant for constant, _ in known.values()}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_selector_filters_by_environment(query: Query) -> None:
    braces = re.findall(r"\w+\{([^}]*)\}", query.promql)

    assert all('environment=~"$environment"' in selector for selector in braces)
    assert query.promql.count("misfire_") + query.promql.count("process_start") == len(braces)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_legend_uses_only_labels_of_the_result(query: Query) -> None:
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= labels_of(query)


def test_filled_replaces_every_variable() -> None:
    for query in QUERIES:
        assert "$" not in filled(query.promql, EVERYTHING, "5m")


def test_names_are_unique() -> None:
    names = [query.name for query in QUERIES]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_counters_are_wrapped_in_rate_or_increase(query: Query) -> None:
    for name in series_of(query):
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            assert re.search(
                rf"(?:rate|increase)\({name}{{[^}}]*}}\[\$__rate_interval\]\)", query.promql
            )
    for opening, closing in ("()", "[]", "{}"):
        assert query.promql.count(opening) == query.promql.count(closing)
