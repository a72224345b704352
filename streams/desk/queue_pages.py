"""The queue: decisions to review, each with its chain, its evidence and its outcome."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from detector.contracts.decisions import MILD, RiskClass
from streams.desk.evidence import account_of, events_of, steps_of
from streams.desk.filters import KINDS, SINCE, Filters
from streams.desk.index import Index, Kind
from streams.desk.queries import PAGE, Queries
from streams.desk.rendering import message, page
from streams.desk.requests import visit_of
from streams.desk.rows import Cursor, Row
from streams.desk.rule_pages import HOURS
from streams.desk.shadows import most_bits, shadows_of
from streams.desk.tail import Tail

__all__ = ["QueuePages", "decision_path", "path_of"]

_NAMES = {Kind.LATE: "late disagreement", Kind.UNCLASSIFIED: "unclassified"}


def _kinds(row: Row) -> list[str]:
    """Return the names of a decision's kinds, beside its verdict."""
    shadows = [f"shadow: {', '.join(row.shadows)}"] if row.shadows else []
    return [*(name for kind, name in _NAMES.items() if kind & row.kinds), *shadows]


def decision_path(row: Row) -> str:
    """Return the address of a decision's page."""
    return path_of(row.decision.household_id, row.decision.event_id)


def path_of(household: str, event_id: str) -> str:
    """Return the address of the page of the decision on an event."""
    return f"/desk/decision?{urlencode({'household': household, 'event': event_id})}"


class QueuePages:
    """Pages of the queue.

    Args:
        index: the index of decisions.
        tail: fills the index.
    """

    def __init__(self, index: Index, tail: Tail) -> None:
        self._index = index
        self._tail = tail

    def queue(self, request: Request) -> Response:
        """Show the queue, or more rows of it to the page's script."""
        given, now = request.query_params, time.time()
        filters, queries = Filters.of(given), self._queries(request)
        changes = self._index.changes
        rows = queries.queue(filters, now, Cursor.read(given.get("after", "")))
        following = filters.query(after=str(rows[-1].cursor)) if len(rows) == PAGE else ""
        shown = self._rows(rows)
        if "x-desk" in request.headers:
            response = page(request, "rows.html", **shown)
            response.headers["x-desk-next"] = following
            return response
        return page(
            request,
            "queue.html",
            **shown,
            filters=_Named(filters),
            selects=_selects(queries),
            total=queries.count(filters, now),
            changes=changes,
            next=following,
            caught_up=self._tail.caught_up.is_set(),
        )

    def changes(self, request: Request) -> Response:
        """Return the rows that changed since a change, for the page's script."""
        given, changes = request.query_params, self._index.changes
        since = given.get("since", "")
        known = int(since) if re.fullmatch("[0-9]{1,18}", since) else changes
        rows = self._queries(request).changed(Filters.of(given), time.time(), known)
        response = page(request, "rows.html", **self._rows(rows))
        latest = rows[-1].changed if len(rows) == PAGE else changes
        response.headers["x-desk-changes"] = str(latest)
        return response

    def decision(self, request: Request) -> Response:
        """Show one decision, as a page or as a fragment to the page's script."""
        given, queries = request.query_params, self._queries(request)
        turn = queries.turn(given.get("household", ""), given.get("event", ""))
        if turn is None:
            text = "The decision is not among the recent ones, or it is another tenant's."
            return message(request, "Not found", text, status=404)
        steps, shadows = steps_of(queries.chain(turn.row)), shadows_of(turn.shadows)
        template = "detail.html" if "x-desk" in request.headers else "decision.html"
        return page(
            request,
            template,
            turn=turn,
            steps=steps,
            shadows=shadows,
            rarest=most_bits(steps, shadows),
            missing=turn.row.decision.surprisal_bits - sum(step.bits for step in steps),
            account=account_of(turn.row.decision),
            events=events_of(turn.notes),
            household_query=urlencode({"id": turn.row.decision.household_id}),
            hours=HOURS if turn.row.decision.risk_class in MILD else (),
            risks=list(RiskClass) if turn.row.kinds & Kind.UNCLASSIFIED else [],
        )

    def _queries(self, request: Request) -> Queries:
        return Queries(self._index, visit_of(request).caller.household_key)

    @staticmethod
    def _rows(rows: Sequence[Row]) -> dict[str, Any]:
        return {
            "rows": rows,
            "link": decision_path,
            "kinds": _kinds,
        }


class _Named(dict[str, str]):
    """Filters as a template uses them: by name, and as a query string."""

    def __init__(self, filters: Filters) -> None:
        super().__init__(asdict(filters))
        self.query = filters.query


def _selects(queries: Queries) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return the selections above the queue: name, label, and values with their texts."""
    shadows = queries.values("shadow_bundles", "shadow_bundles <> ''")
    return [
        ("state", "state", [("open", "to review"), ("labelled", "labelled"), ("all", "all")]),
        ("kind", "kind", [("", "any"), *((name, name) for name in KINDS)]),
        ("risk", "risk class", [("", "any"), *((risk.value, risk.value) for risk in RiskClass)]),
        ("reason", "reason", _any_of(queries.values("codes"))),
        ("bundle", "bundle", _any_of(queries.values("bundle") | shadows)),
        ("since", "time", [("", "any"), *((name, f"last {name}") for name in SINCE)]),
    ]


def _any_of(values: Collection[str]) -> list[tuple[str, str]]:
    return [("", "any"), *((value, value.replace("_", " ")) for value in sorted(values))]
