"""The Prometheus queries of the dashboards, as literal tables, one module for each question.

A query is a PromQL expression over the metrics of ``streams.telemetry.metrics``, with Grafana's
variables (``$environment``, ``$bundle``, ``$risk_class``, ``$__rate_interval``). A test compares
each name and label with the exported metrics, and requires a query for every metric.
"""

from __future__ import annotations

from dashboards.queries.annotations import ANNOTATIONS
from dashboards.queries.answers import ANSWERS
from dashboards.queries.bundle import BUNDLE
from dashboards.queries.commands import COMMANDS
from dashboards.queries.household_data import HOUSEHOLD_DATA
from dashboards.queries.households import HOUSEHOLDS
from dashboards.queries.pipeline import PIPELINE
from dashboards.queries.query import EVERYTHING, VARIABLES, Query, filled

__all__ = ["EVERYTHING", "QUERIES", "VARIABLES", "Query", "filled", "named"]

QUERIES: tuple[Query, ...] = (
    *COMMANDS,
    *BUNDLE,
    *HOUSEHOLD_DATA,
    *ANSWERS,
    *PIPELINE,
    *HOUSEHOLDS,
    *ANNOTATIONS,
)

_BY_NAME = {query.name: query for query in QUERIES}


def named(name: str) -> Query:
    """Return the query with this name."""
    return _BY_NAME[name]
