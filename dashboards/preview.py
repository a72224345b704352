"""The dashboards as one HTML page, drawn from Prometheus without Grafana."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import escape

from dashboards.ask import Prometheus, Series
from dashboards.boards import BOARDS
from dashboards.panels import ANNOTATIONS, Board, Panel
from dashboards.plot import STEPS, Mark, colors, heat, lines, number
from dashboards.queries import EVERYTHING, Query, filled, named

__all__ = ["draw"]

#: A rate needs at least four scrapes, which is Grafana's rule for $__rate_interval.
_LEAST_SPAN = 4.0

_STYLE = (
    """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --page: #f4f5f7; --card: #fff;
  --edge: #d9dde2; --grid: #e6e9ed; --bad: #b3261e; --good: #1a7f37; --heat: #b34700; """
    + colors(dark=False)
    + """ }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #a2abb5; --page: #111418;
  --card: #1a1e24; --edge: #343b44; --grid: #2b313a; --bad: #ff7b72;
  --good: #4cc26b; --heat: #ff9a4d; """
    + colors(dark=True)
    + """ } }
body { font: 14px/1.4 system-ui, sans-serif; color: var(--ink); background: var(--page);
  margin: 24px auto; max-width: 1440px; padding: 0 16px; }
h1 { font-size: 22px; margin: 32px 0 0; } h2 { font-size: 15px; margin: 20px 0 8px; }
p { margin: 2px 0 0; color: var(--soft); }
.row { display: grid; grid-template-columns: repeat(24, minmax(0, 1fr)); gap: 10px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--edge); border-radius: 6px;
  padding: 10px 12px; }
figcaption { font-weight: 600; font-size: 13px; display: flex; justify-content: space-between;
  gap: 8px; }
figcaption span { font-weight: 400; color: var(--soft); white-space: nowrap; }
figure p { font-size: 12px; }
svg { width: 100%; height: auto; display: block; fill: var(--soft); }
.grid { stroke: var(--grid); }
.limit { stroke: var(--bad); stroke-dasharray: 5 4; }
.mark { stroke: var(--soft); stroke-dasharray: 2 3; }
.legend { font-size: 11px; color: var(--soft); line-height: 1.5; }
.legend span { display: inline-block; margin-right: 9px; }
.legend i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 3px; }
.empty { color: var(--bad); padding: 24px 0; text-align: center; }
.big { font-size: 30px; font-weight: 600; margin: 4px 0; }
.bad { color: var(--bad); } .good { color: var(--good); }
@media (max-width: 900px) { figure { grid-column: 1 / -1 !important; } }
"""
)


def draw(
    prometheus: Prometheus, *, seconds: float, span: float | None = None
) -> tuple[str, list[str]]:
    """Return the page as HTML, and the titles of panels without data.

    Args:
        prometheus: the server to query.
        seconds: how far to look back from now.
        span: the rate interval in seconds; by default Grafana's for scrapes every 15 s.

    Raises:
        DependencyUnavailable: Prometheus does not answer.
    """
    drawing = _Drawing(prometheus, end=time.time(), seconds=seconds, span=span)
    body = "<p>Dotted lines: a new bundle, or a restarted process.</p>"
    body += "".join(drawing.board(board) for board in BOARDS)
    head = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>misfire</title><style>{_STYLE}</style>"
    )
    return head + body, drawing.empty


class _Drawing:
    def __init__(
        self, prometheus: Prometheus, *, end: float, seconds: float, span: float | None
    ) -> None:
        self.prometheus = prometheus
        self.begin, self.end, self.step = end - seconds, end, seconds / STEPS
        self.span = span or max(_LEAST_SPAN * 15, self.step + 15)
        self.empty: list[str] = []
        self.marks = [mark for name in ANNOTATIONS for mark in self._marks(named(name))]

    def board(self, board: Board) -> str:
        rows = "".join(
            f"<h2>{escape(row.question)}</h2>"
            f"<div class='row'>{''.join(map(self._panel, row.panels))}</div>"
            for row in board.rows
        )
        return f"<h1>{escape(board.title)}</h1><p>{escape(board.about)}</p>{rows}"

    def _panel(self, panel: Panel) -> str:
        queries = [named(name) for name in panel.queries]
        series = [(_legend(query, found), found) for query in queries for found in self._ask(query)]
        if not series:
            self.empty.append(panel.title)
            picture = "<div class='empty'>no data</div>"
        else:
            picture = self._picture(panel, series, queries[0].unit)
        meaning = " ".join(query.meaning for query in queries)
        text = "".join(
            f"<p>{escape(paragraph)}</p>"
            for paragraph in (meaning, f"Normal: {panel.normal}", f"Do: {panel.do}")
        )
        return (
            f"<figure style='grid-column: span {panel.width}'>"
            f"<figcaption><b>{escape(panel.title)}</b>"
            f" <span>{escape(queries[0].unit)}</span></figcaption>"
            f"{picture}{text}</figure>"
        )

    def _picture(self, panel: Panel, series: list[tuple[str, Series]], unit: str) -> str:
        window = (self.begin, self.end)
        if panel.look == "number":
            return number(series, unit, bad_from=panel.bad_from, bad_below=panel.bad_below)
        width = 60 * panel.width
        if panel.look == "heat":
            return heat(series, window, self.marks, width=width)
        return lines(
            series,
            window,
            self.marks,
            unit=unit,
            width=width,
            stacked=panel.look == "stacked",
            line_at=panel.bad_from,
        )

    def _ask(self, query: Query) -> list[Series]:
        promql = filled(query.promql, EVERYTHING, f"{self.span:.0f}s")
        return self.prometheus.over(promql, self.begin, self.end, self.step)

    def _marks(self, query: Query) -> Iterator[Mark]:
        for found in self._ask(query):
            yield Mark(found.points[0][0], _legend(query, found))


def _legend(query: Query, series: Series) -> str:
    text = query.legend
    for label, value in series.labels.items():
        text = text.replace("{{" + label + "}}", value)
    return re.sub(r"{{\w+}}", "", text).strip()  # as Grafana does for an empty label
