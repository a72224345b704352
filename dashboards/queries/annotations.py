"""What every dashboard marks on its graphs."""

from __future__ import annotations

from dashboards.queries.query import Query, query

__all__ = ["ANNOTATIONS"]

ANNOTATIONS: tuple[Query, ...] = (
    query(
        "bundle_changes",
        "count by (version) (misfire_bundle_info{$e}) unless count by (version) "
        "(misfire_bundle_info{$e} offset $s)",
        "processes",
        "bundle {{version}}",
        "A bundle that was not in use before.",
    ),
    query(
        "restarts",
        "count by (instance) ("
        "(process_start_time_seconds{$e} unless process_start_time_seconds{$e} offset $s)"
        " or process_start_time_seconds{$e} != process_start_time_seconds{$e} offset $s)",
        "restarts",
        "{{instance}} restarted",
        "A process that is new or was restarted.",
    ),
)
