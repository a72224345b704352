"""The plots of ``misfire bench change``."""

from __future__ import annotations

from detector.evaluation.scenarios.adaptation import Adaptation
from streams.cli.plots.canvas import LINES, Canvas, percent

__all__ = ["draw_adaptation"]


def draw_adaptation(canvas: Canvas, found: Adaptation) -> None:
    """Draw the interruptions after a change, and how much of an attack is stopped."""
    _draw_changes(canvas, found)
    if found.attempts:
        _draw_attack(canvas, found)


def _draw_changes(canvas: Canvas, found: Adaptation) -> None:
    with canvas.picture(
        "change", f"Meant commands that are interrupted when {found.households} households change"
    ) as (
        _,
        (axes,),
    ):
        for line, recovery in zip(LINES, found.recoveries, strict=False):
            middles = [(window.first + window.last) / 2 for window in recovery.windows]
            axes.plot(
                middles,
                [window.interrupted for window in recovery.windows],
                label=recovery.change,
                **line,
            )
        axes.axhline(found.budget, color="#000000", linewidth=0.8, linestyle=(0, (2, 2)))
        axes.annotate(
            f"budget {percent(found.budget, 0)}",
            (1.0, found.budget),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            horizontalalignment="right",
            fontsize=8,
        )
        longest = max((recovery.windows for recovery in found.recoveries), key=len)
        every = 1 + len(longest) // 13
        axes.set_xticks(
            [(window.first + window.last) / 2 for window in longest[::every]],
            [f"{window.first}-{window.last}" for window in longest[::every]],
        )
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_formatter(percent)
        axes.set_xlabel("sessions since the change")
        axes.set_ylabel("interrupted, share of meant commands")
        axes.legend(title="change")


def _draw_attack(canvas: Canvas, found: Adaptation) -> None:
    from matplotlib.ticker import MaxNLocator

    numbers = [attempt.number for attempt in found.attempts]
    with canvas.picture("attack", "Repeated attempts of one unusual command") as (_, (axes,)):
        axes.plot(
            numbers,
            [attempt.stopped for attempt in found.attempts],
            label="denied each time",
            **LINES[0],
        )
        axes.plot(
            numbers,
            [attempt.stopped_if_confirmed for attempt in found.attempts],
            label="confirmed each time, for comparison",
            **LINES[1],
        )
        axes.set_ylim(0.0, 1.02)
        axes.yaxis.set_major_formatter(percent)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("attempt")
        axes.set_ylabel(f"stopped, share of households (initially {found.attempts[0].households})")
        axes.legend()
