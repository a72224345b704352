from __future__ import annotations

import re

import pytest
from prometheus_client.metrics import MetricWrapperBase

from dashboards.queries import QUERIES, Query
from streams import metrics

SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}


def exported() -> dict[str, tuple[str, set[str]]]:
    """Each series name that Prometheus sees -> (the metric's name in streams.metrics, its labels)."""
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
    return set(re.findall(r"\bmisfire_\w+", query.promql))


def labels_of(query: Query) -> set[str]:
    grouped = re.findall(r"\bby \(([^)]*)\)", query.promql)
    matched = re.findall(r"[{,]\s*(\w+)\s*(?:=|!=|=~|!~)\s*\"", query.promql)
    return {label.strip() for group in grouped for label in group.split(",")} | set(matched)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_asks_only_for_what_is_exported(query: Query) -> None:
    known = exported()
    assert series_of(query)
    assert series_of(query) <= known.keys()
    assert labels_of(query) <= set().union(*(known[name][1] for name in series_of(query)))


def test_every_metric_has_a_query() -> None:
    known = exported()
    asked = {known[name][0] for query in QUERIES for name in series_of(query)}

    assert asked == {constant for constant, _ in known.values()}


def test_names_are_unique() -> None:
    names = [query.name for query in QUERIES]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_counters_are_asked_for_their_rate_and_brackets_close(query: Query) -> None:
    for name in series_of(query):
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            assert re.search(rf"rate\({name}(?:{{[^}}]*}})?\[\d+[mh]\]\)", query.promql)
    for opening, closing in ("()", "[]", "{}"):
        assert query.promql.count(opening) == query.promql.count(closing)
