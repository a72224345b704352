"""The record that a hook passes to its observers after each call. No metrics registry here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import Decision, Rung

__all__ = ["Call", "Observer", "announced", "warn"]

logger = logging.getLogger(__name__)

A = TypeVar("A", Decision, ConfirmationResult, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A finished call. It contains no ids and no spoken content.

    Attributes:
        method: the method that was called.
        seconds: the duration of the call.
        result: the verdict of ``decide``, the result of ``confirm``, or ``applied`` or
            ``not_applied`` for ``report``.
        rung: the rung that answered ``decide``.
        reason: the reason code of a ``decide`` answered below the worker's rung, or of a refused
            ``confirm``.
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


def announced(observers: Collection[Observer], began: float, found: A) -> A:
    """Pass the finished call to every observer, log what they raise, and return ``found``.

    ``began`` is the beginning of the call by ``time.monotonic``.
    """
    if not observers:
        return found
    call = Call.of(found, time.monotonic() - began)
    for observer in observers:
        try:
            observer(call)
        except Exception as error:  # noqa: BLE001 - the host's own code
            warn(
                "an observer of the hook raised %s; the call is not affected", type(error).__name__
            )
    return found


def warn(text: str, *values: object) -> None:
    """Log a warning, and suppress what the host's log handlers raise, such as a closed stream."""
    with suppress(Exception):
        logger.warning(f"misfire: {text}", *values)  # noqa: G004 - the f-string adds a constant prefix
