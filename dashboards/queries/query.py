"""What a query is, and the variables and short names that queries use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

__all__ = ["EVERYTHING", "VARIABLES", "Query", "filled", "query"]

#: Values of the variables that match every series.
EVERYTHING = {"environment": ".*", "bundle": ".*", "risk_class": ".*"}

#: Grafana's variables: name, label, and the query for its values.
VARIABLES = (
    ("environment", "Environment", "label_values(misfire_bundle_info, environment)"),
    ("bundle", "Bundle", 'label_values(misfire_bundle_info{environment=~"$environment"}, version)'),
    (
        "risk_class",
        "Risk class",
        'label_values(misfire_interruption_budget_ratio{environment=~"$environment"}, risk_class)',
    ),
)

# Short names for the selectors and the interval that most queries use.
_SELECTORS = {
    "e": 'environment=~"$environment"',
    "b": 'bundle=~"$bundle"',
    "v": 'version=~"$bundle"',
    "r": 'risk_class=~"$risk_class"',
    "s": "$__rate_interval",
}


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Attributes:
        name: the name that panels use.
        promql: the expression.
        unit: the unit of the value: seconds, bits, bytes, a share in [0, 1], a number of things,
            or things per second.
        legend: the name of a series: text with labels in double braces.
        meaning: what the value means and, where it applies, which direction is bad.
    """

    name: str
    promql: str
    unit: str
    legend: str
    meaning: str


def filled(promql: str, variables: Mapping[str, str], span: str) -> str:
    """Substitute Grafana's variables, with ``span`` (such as ``5m``) as the rate interval."""
    values = {**variables, "__rate_interval": span}
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], promql)


def query(name: str, promql: str, unit: str, legend: str, meaning: str) -> Query:
    """Return a query whose expression contains the short names."""
    return Query(name, Template(promql).safe_substitute(_SELECTORS), unit, legend, meaning)
