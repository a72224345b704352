"""Error budgets and how fast they burn, after the SRE workbook's chapter 5 (multiple windows, multiple burn rates).

An alert looks at two windows: the long one says that a good part of the budget is gone, the short one that it is still going on,
so that the alert resolves soon after the cause is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.conditions import Condition
from dashboards.config import Config, Slo

__all__ = ["FAST", "SLOW", "Burn", "burning", "error_ratio", "recording_rules"]


@dataclass(frozen=True, slots=True)
class Burn:
    """Budget of 30 days spent ``factor`` times too fast, looked at over ``long`` and over ``short``."""

    factor: float
    long: str
    short: str


#: 2 % of the budget in an hour, 5 % in six: somebody is woken.
FAST = (Burn(14.4, "1h", "5m"), Burn(6.0, "6h", "30m"))
#: 10 % in a day, 10 % in three: somebody looks at it in working hours.
SLOW = (Burn(3.0, "1d", "2h"), Burn(1.0, "3d", "6h"))


def error_ratio(slo: Slo, window: str) -> str:
    """The name of the recorded share of bad answers over a window."""
    return f"misfire:{slo.name}_errors:ratio_rate{window}"


def burning(slo: Slo, burns: tuple[Burn, ...]) -> tuple[Condition, ...]:
    """What holds while the budget burns so fast; an outage that is over is seen for as long as the short window is."""
    budget = 1.0 - slo.objective
    return tuple(
        Condition(
            f"{error_ratio(slo, burn.long)} > {burn.factor * budget:.6g} and {error_ratio(slo, burn.short)} > {burn.factor * budget:.6g}",
            burn.short,
        )
        for burn in burns
    )


def recording_rules(config: Config) -> list[dict[str, str]]:
    """The shares of bad answers over every window that an alert looks at."""
    windows = sorted(
        {window for burn in FAST + SLOW for window in (burn.long, burn.short)}, key=config.seconds
    )
    return [
        {"record": error_ratio(slo, window), "expr": _ratio(slo, config.window(window))}
        for slo in config.slos
        for window in windows
    ]


def _ratio(slo: Slo, window: str) -> str:
    # Without any bad answer there may be no counter of them yet, and nothing is not zero.
    return f"(sum(rate({slo.bad}[{window}])) or vector(0)) / (sum(rate({slo.all}[{window}])) > 0)"
