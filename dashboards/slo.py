"""Error budgets and burn rates, after chapter 5 of the SRE workbook.

An alert uses two windows (multiwindow, multi-burn-rate alerts). The long one shows that a large
part of the budget is spent. The short one shows that the cause persists, so the alert resolves soon
after the cause is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.conditions import Condition
from dashboards.config import Config, Slo

__all__ = ["FAST", "SLOW", "Burn", "burning", "error_ratio", "recording_rules"]


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn rate over two windows; 1.0 spends the budget in exactly 30 days."""

    factor: float
    long: str
    short: str


#: For pages: 2 % of the budget in an hour, 5 % in six hours.
FAST = (Burn(14.4, "1h", "5m"), Burn(6.0, "6h", "30m"))
#: For tickets: 10 % of the budget in a day, 10 % in three days.
SLOW = (Burn(3.0, "1d", "2h"), Burn(1.0, "3d", "6h"))


def error_ratio(slo: Slo, window: str) -> str:
    """Return the name of the recorded share of bad answers over a window."""
    return f"misfire:{slo.name}_errors:ratio_rate{window}"


def burning(slo: Slo, burns: tuple[Burn, ...]) -> tuple[Condition, ...]:
    """Return conditions that hold while the budget burns at one of the rates.

    A condition can hold for as long as its short window after an outage has ended.
    """
    budget = 1.0 - slo.objective
    return tuple(
        Condition(
            f"{error_ratio(slo, burn.long)} > {burn.factor * budget:.6g}"
            f" and {error_ratio(slo, burn.short)} > {burn.factor * budget:.6g}",
            burn.short,
        )
        for burn in burns
    )


def recording_rules(config: Config) -> list[dict[str, str]]:
    """Return the rules for the shares of bad answers over every window of the alerts."""
    windows = sorted(
        {window for burn in FAST + SLOW for window in (burn.long, burn.short)}, key=config.seconds
    )
    return [
        {"record": error_ratio(slo, window), "expr": _ratio(slo, config.window(window))}
        for slo in config.slos
        for window in windows
    ]


def _ratio(slo: Slo, window: str) -> str:
    # Before the first bad answer its counter may not exist, and an empty result is not zero.
    return f"(sum(rate({slo.bad}[{window}])) or vector(0)) / (sum(rate({slo.all}[{window}])) > 0)"
