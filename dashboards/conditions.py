"""What an alert looks at, and how it keeps silent about what another alert has told already.

Alertmanager silences an alert only while the other one fires. Something that still looks back at the same outage would be told of in
the moment in which the page resolves; so the expression itself holds only when that moment is far enough away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.config import Config

__all__ = ["Condition", "unexplained"]


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression for Prometheus, and for how long after something is over it may still hold because of it."""

    expr: str
    memory: str = "2m"


def unexplained(conditions: Sequence[Condition], causes: Sequence[str], config: Config) -> str:
    """Return an expression that holds while one of the conditions does that none of the causes, titles of alerts, explains."""
    if not causes:
        return "\nor\n".join(condition.expr for condition in conditions)
    told = f'ALERTS{{alertname=~"{"|".join(causes)}",alertstate="firing"}}'
    return "\nor\n".join(
        f"(({condition.expr})\nunless on () count_over_time({told}[{config.window(condition.memory)}]))"
        for condition in conditions
    )
