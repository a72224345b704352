"""Households, in aggregate only."""

from __future__ import annotations

from dashboards.queries.query import Query, query

__all__ = ["HOUSEHOLDS"]

HOUSEHOLDS: tuple[Query, ...] = (
    query(
        "households",
        "sum(misfire_households{$e})",
        "households",
        "households",
        "Households with a state. A fall without erasures means a lost partition.",
    ),
    query(
        "bytes_per_household",
        "sum(misfire_state_bytes{$e}) / (sum(misfire_households{$e}) > 0)",
        "bytes",
        "per household",
        "Mean size of a household's state. A state is bounded, so endless growth is a bug.",
    ),
    query(
        "cohort_commands",
        "sum by (cohort) (rate(misfire_commands_total{$e, $b, $r}[$s]))",
        "commands/s",
        "{{cohort}}",
        "Commands of households in their first sessions, and of all others.",
    ),
    query(
        "cohort_interruptions",
        'sum by (cohort) (rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (cohort) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{cohort}}",
        "Share of commands that were confirmed or blocked, by cohort. New households are "
        "calibrated separately, with the same budget.",
    ),
)
