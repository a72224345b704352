"""What a hook announces about each of its calls. It keeps no counters and imports no metrics registry: observers do as they like."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import Decision, Rung

__all__ = ["Call", "Observer", "announce", "warn"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that has ended: no id, and nothing that was said.

    Attributes:
        method: what was called.
        seconds: how long it took.
        result: the verdict of ``decide``, the result of ``confirm``, or whether ``report`` was applied.
        rung: for ``decide``, the rung that answered.
        reason: for ``decide`` below the worker's rung, and for a ``confirm`` that was refused: the code of why.
    """

    method: Literal["decide", "confirm", "report"]
    seconds: float
    result: str
    rung: str = ""
    reason: str = ""

    @classmethod
    def of(cls, found: Decision | ConfirmationResult | bool, seconds: float) -> Call:
        """Describe the call that returned ``found``."""
        if isinstance(found, Decision):
            reason = (
                found.reasons[0].code if found.rung is not Rung.WORKER and found.reasons else ""
            )
            return cls(
                method="decide",
                seconds=seconds,
                result=found.verdict.value,
                rung=found.rung.value,
                reason=reason,
            )
        if isinstance(found, ConfirmationResult):
            return cls(
                method="confirm",
                seconds=seconds,
                result=found.result.value,
                reason=found.reason or "",
            )
        return cls(method="report", seconds=seconds, result="applied" if found else "not_applied")


Observer = Callable[[Call], None]


def announce(observers: Iterable[Observer], call: Call) -> None:
    """Give every observer the call; one that raises changes nothing for the caller or for the others."""
    for observer in observers:
        try:
            observer(call)
        except Exception as error:  # noqa: BLE001 - the host's own code
            warn(
                "an observer of the hook raised %s; the call is not affected", type(error).__name__
            )


def warn(text: str, *values: object) -> None:
    """Log a warning. Whatever the host's handlers raise, such as for an output that is closed, does not reach the caller."""
    with suppress(Exception):
        logger.warning(f"misfire: {text}", *values)  # noqa: G004 - a constant in front
