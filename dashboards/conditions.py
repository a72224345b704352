"""The conditions of an alert, and how they exclude an outage that another alert has reported.

Alertmanager silences an alert only while the other one fires. A condition with a long window still
includes the outage after that page has resolved, and would fire at that moment. The expression
itself therefore stays false until the outage has left the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.config import Config

__all__ = ["Condition", "unexplained"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A PromQL expression, and how long after an outage it may still hold because of it."""

    expr: str
    memory: str = "2m"


def unexplained(conditions: Sequence[Condition], causes: Sequence[str], config: Config) -> str:
    """Return an expression for the conditions that no alert of ``causes`` (titles) explains."""
    if not causes:
        return "\nor\n".join(condition.expr for condition in conditions)
    firing = f'ALERTS{{alertname=~"{"|".join(causes)}",alertstate="firing"}}'
    return "\nor\n".join(
        f"(({condition.expr})\nunless on () "
        f"count_over_time({firing}[{config.window(condition.memory)}]))"
        for condition in conditions
    )
