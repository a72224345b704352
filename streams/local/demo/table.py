"""The live table of a story: each event with its decision, and the reason for each interruption."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from detector.contracts.decisions import Decision, Verdict
from streams.local.demo.runtime import HookCall

__all__ = ["StoryTable", "why"]

_COLOURS = {Verdict.ALLOW: "green", Verdict.CONFIRM: "yellow", Verdict.BLOCK: "red"}


def why(decision: Decision) -> str:
    """Return the strongest reason as one sentence, or an empty string if there is none."""
    return decision.reasons[0].text if decision.reasons else ""


class StoryTable:
    """The table of one story, redrawn as it grows."""

    def __init__(self, title: str, console: Console) -> None:
        self._parts: list[Table | str] = [f"[bold]{title}[/]"]
        self._live = Live(console=console, refresh_per_second=8, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parts.append("")
        self._draw()
        self._live.__exit__(kind, error, trace)

    def add(self, call: HookCall) -> None:
        """Show one call."""
        event, decision = call.event, call.decision
        table = self._parts[-1]
        if isinstance(table, str):
            table = _empty(header=not any(isinstance(part, Table) for part in self._parts))
            self._parts.append(table)
        misfire = (
            "" if decision.misfire_probability is None else f"{decision.misfire_probability:.2%}"
        )
        verdict = f"[{_COLOURS[decision.verdict]}]{decision.verdict}[/]"
        milliseconds = f"{call.milliseconds:.0f}"
        table.add_row(
            f"{event.time:%H:%M:%S}",
            event.intent,
            event.act,
            f"{decision.event_bits:.1f}",
            misfire,
            verdict,
            decision.rung,
            milliseconds,
        )
        if why(decision):
            self.say(why(decision))
        if decision.expected:
            best = decision.expected[0]
            self.say(f"Expected instead: {best.intent}, {best.act} ({best.probability:.0%}).")
        self._draw()

    def say(self, text: str) -> None:
        """Show one sentence."""
        self._parts.append(f"   [dim]{text}[/]")
        self._draw()

    def _draw(self) -> None:
        self._live.update(Group(*self._parts), refresh=True)


def _empty(*, header: bool) -> Table:
    table = Table(
        show_header=header, box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim"
    )
    for name, width, justify in (
        ("time", 8, "left"),
        ("intent", 26, "left"),
        ("act", 8, "left"),
        ("bits", 4, "right"),
        ("misfire", 7, "right"),
        ("verdict", 7, "left"),
        ("rung", 7, "left"),
        ("ms", 4, "right"),
    ):
        table.add_column(name, width=width, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return table
