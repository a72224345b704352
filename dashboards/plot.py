"""Small plots as SVG: lines, stacked areas, heat maps and single numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from dashboards.ask import Series

__all__ = ["STEPS", "Mark", "colors", "heat", "lines", "number", "shown"]

#: Points per line; more would not be visible at this width.
STEPS = 120
#: The palette of Okabe & Ito, safe for colour-blind readers, and shades of it: (light, dark).
_COLORS = (
    ("#0072b2", "#56a8e0"),
    ("#e69f00", "#e69f00"),
    ("#009e73", "#1fbf92"),
    ("#cc79a7", "#de95bd"),
    ("#56b4e9", "#9ad4f5"),
    ("#d55e00", "#f0803c"),
    ("#8a6d00", "#f0e442"),
    ("#4c4c4c", "#c8c8c8"),
    ("#004a75", "#2f7fb5"),
    ("#7a3300", "#b8692f"),
)
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 190, 52, 8, 8, 20
#: The larger units of a unit, the largest first.
_LARGER = {
    "seconds": ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s")),
    "bytes": ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB")),
}

#: A series with its name in the legend.
Named = tuple[str, Series]
#: The first and the last Unix time of a plot, in seconds.
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """An event on the time axis: a new bundle, or a restarted process."""

    at: float
    text: str


def colors(*, dark: bool) -> str:
    """Return the colours of the series as CSS variables."""
    return " ".join(f"--c{place}: {shades[dark]};" for place, shades in enumerate(_COLORS))


def shown(value: float, unit: str) -> str:
    """Format a value with its unit.

    >>> shown(0.0123, "share"), shown(93784.0, "seconds"), shown(2048.0, "bytes")
    ('1.2 %', '1.1 d', '2.0 KiB')
    >>> shown(0.25, "events/s")
    '0.25'
    """
    if unit == "share":
        return f"{100 * value:.3g} %" if value < 0.01 else f"{100 * value:.1f} %"
    for size, name in _LARGER.get(unit, ()):
        if abs(value) >= size:
            return f"{value / size:.1f} {name}"
    if unit == "seconds":
        return f"{1000 * value:.3g} ms"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def number(series: Sequence[Named], unit: str, *, bad_from: float | None, bad_below: bool) -> str:
    """Return the worst of the last values as large text, with the name of its series."""
    last = [(name, found.points[-1][1]) for name, found in series]
    name, value = (min if bad_below else max)(last, key=lambda entry: entry[1])
    if len(last) > 1 and len({value for _, value in last}) == 1:
        name = f"all {len(last)}"
    kind = ""
    if bad_from is not None:
        kind = "bad" if (value <= bad_from if bad_below else value >= bad_from) else "good"
    return (
        f"<div class='big {kind}'>{shown(value, unit)}</div>"
        f"<div class='legend'>{escape(name)}</div>"
    )


def lines(
    series: Sequence[Named],
    window: Window,
    marks: Sequence[Mark],
    *,
    unit: str,
    width: int,
    stacked: bool,
    line_at: float | None = None,
) -> str:
    """Return the series as lines or stacked areas, with a threshold at ``line_at``."""
    series = sorted(series, key=lambda entry: -_highest(entry[1].points))
    layers = (
        _stacked(series) if stacked else [(name, dict(found.points), {}) for name, found in series]
    )
    highest = max(_highest(tuple(points.items())) for _, points, _ in layers)
    scale = _Scale(window, _nice(highest, unit), width)
    drawn = []
    # Reversed, so that large series do not hide small ones.
    for place, (_, points, below) in reversed(list(enumerate(layers))):
        color = f"var(--c{place})" if place < len(_COLORS) else "var(--soft)"
        for run in _runs(points, scale.gap):
            path = " L".join(f"{scale.x(at):.1f} {scale.y(points[at]):.1f}" for at in run)
            if stacked:
                back = " L".join(
                    f"{scale.x(at):.1f} {scale.y(below.get(at, 0.0)):.1f}" for at in reversed(run)
                )
                drawn.append(f"<path d='M{path} L{back} Z' style='fill:{color};fill-opacity:.45'/>")
            drawn.append(f"<path d='M{path}' style='fill:none;stroke:{color};stroke-width:1.6'/>")
            if len(run) == 1:
                drawn.append(
                    f"<circle cx='{scale.x(run[0]):.1f}' cy='{scale.y(points[run[0]]):.1f}'"
                    f" r='2.5' style='fill:{color}'/>"
                )
    if line_at is not None and line_at <= scale.top:
        level = scale.y(line_at)
        drawn.append(
            f"<line class='limit' x1='{_LEFT}' x2='{width - _RIGHT}'"
            f" y1='{level:.1f}' y2='{level:.1f}'/>"
        )
    return _framed(scale, unit, marks, "".join(drawn)) + _legends([name for name, _, _ in layers])


def heat(series: Sequence[Named], window: Window, marks: Sequence[Mark], *, width: int) -> str:
    """Return cumulative buckets, named by their upper bounds, as a heat map; darker is more."""
    buckets = sorted(
        ((float(name.replace("+Inf", "inf")), dict(found.points)) for name, found in series)
    )
    times = sorted({at for _, points in buckets for at in points})
    rows = []
    below: dict[float, float] = {}
    for upper, points in buckets:
        rows.append(
            (upper, {at: max(points.get(at, 0.0) - below.get(at, 0.0), 0.0) for at in times})
        )
        below = points
    used = [place for place, (_, inside) in enumerate(rows) if any(inside.values())]
    rows = rows[max(used[0] - 1, 0) : used[-1] + 2] if used else rows
    most = max((value for _, inside in rows for value in inside.values()), default=0.0) or 1.0
    scale = _Scale(window, float(len(rows)), width)
    cell = (width - _LEFT - _RIGHT) / STEPS
    tall = (_HEIGHT - _TOP - _BOTTOM) / len(rows)
    drawn = "".join(
        f"<rect x='{scale.x(at):.2f}' y='{scale.y(place + 1):.2f}' width='{cell:.2f}'"
        f" height='{tall:.2f}' shape-rendering='crispEdges'"
        f" style='fill:var(--heat);fill-opacity:{(value / most) ** 0.5:.2f}'/>"
        for place, (_, inside) in enumerate(rows)
        for at, value in inside.items()
        if value > 0
    )
    every = math.ceil(len(rows) / 8)
    ends = "".join(
        f"<text x='{_LEFT - 6}' y='{scale.y(place + 1) + 4:.1f}' text-anchor='end'>"
        f"{'∞' if math.isinf(upper) else f'{upper:g}'}</text>"
        for place, (upper, _) in enumerate(rows)
        if place % every == 0
    )
    return _framed(scale, "", marks, drawn + ends, labelled=False)


class _Scale:
    """Maps times and values to coordinates of the picture."""

    def __init__(self, window: Window, top: float, width: int) -> None:
        self.begin, self.end = window
        self.top, self.width = top, width
        self.gap = 1.6 * (self.end - self.begin) / STEPS

    def x(self, at: float) -> float:
        return _LEFT + (at - self.begin) / (self.end - self.begin) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        inside = min(max(value / self.top, 0.0), 1.0) if math.isfinite(value) else 0.0
        return _HEIGHT - _BOTTOM - inside * (_HEIGHT - _TOP - _BOTTOM)


def _framed(
    scale: _Scale, unit: str, marks: Sequence[Mark], inside: str, *, labelled: bool = True
) -> str:
    parts = [f"<svg viewBox='0 0 {scale.width} {_HEIGHT}' font-size='11'>"]
    for share in (0.0, 0.5, 1.0) if labelled else ():
        level = scale.y(share * scale.top)
        parts.append(
            f"<line class='grid' x1='{_LEFT}' x2='{scale.width - _RIGHT}'"
            f" y1='{level:.1f}' y2='{level:.1f}'/>"
        )
        parts.append(
            f"<text x='{_LEFT - 6}' y='{level + 4:.1f}' text-anchor='end'>"
            f"{shown(share * scale.top, unit)}</text>"
        )
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = scale.begin + share * (scale.end - scale.begin)
        clock = datetime.fromtimestamp(at, UTC).strftime(
            "%H:%M:%S" if scale.end - scale.begin < 1800 else "%H:%M"
        )
        parts.append(
            f"<text x='{scale.x(at):.1f}' y='{_HEIGHT - 5}' text-anchor='{anchor}'>{clock}</text>"
        )
    for mark in marks:
        place = f"{scale.x(mark.at):.1f}"
        parts.append(
            f"<line class='mark' x1='{place}' x2='{place}' y1='{_TOP}' y2='{_HEIGHT - _BOTTOM}'>"
            f"<title>{escape(mark.text)}</title></line>"
        )
    return "".join(parts) + inside + "</svg>"


def _legends(names: Sequence[str]) -> str:
    entries = "".join(
        f"<span><i style='background:var(--c{place})'></i>{escape(name)}</span>"
        for place, name in enumerate(names[: len(_COLORS)])
    )
    more = f"and {len(names) - len(_COLORS)} more" if len(names) > len(_COLORS) else ""
    return f"<div class='legend'>{entries}{more}</div>"


def _stacked(series: Sequence[Named]) -> list[tuple[str, dict[float, float], dict[float, float]]]:
    """Return each series with its upper and lower edges; a missing point counts as zero."""
    layers = []
    below: dict[float, float] = {}
    for name, found in series:
        upper = {
            at: below.get(at, 0.0) + value for at, value in found.points if math.isfinite(value)
        }
        layers.append((name, upper, dict(below)))
        below |= upper
    return layers


def _runs(points: dict[float, float], gap: float) -> list[list[float]]:
    """Split the times at gaps, because a line does not cross a gap."""
    runs: list[list[float]] = []
    for at in sorted(points):
        if not math.isfinite(points[at]):
            continue
        if runs and at - runs[-1][-1] <= gap:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _highest(points: Sequence[tuple[float, float]]) -> float:
    return max((value for _, value in points if math.isfinite(value)), default=0.0)


def _nice(highest: float, unit: str) -> float:
    """Return the next value that is round and has a round half; 1 for an empty plot."""
    if highest <= 0:
        return 1.0
    size = next((size for size, _ in _LARGER.get(unit, ()) if highest >= size), 1.0)
    power = 10.0 ** math.floor(math.log10(highest / size))
    return size * next(
        step * power for step in (1, 2, 4, 6, 8, 10) if step * power * size >= highest * 0.999
    )
