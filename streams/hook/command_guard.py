"""Checks whether a guarded command may run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from detector.contracts.confirmations import ConfirmationResult, Result
from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent

__all__ = ["CommandNotAllowed", "async_guarding", "check", "guarding", "is_question"]

P = ParamSpec("P")
R = TypeVar("R")


class CommandNotAllowed(Exception):
    """A guarded command was neither allowed nor confirmed; the message gives the first reason."""

    def __init__(self, decision: Decision, result: ConfirmationResult | None) -> None:
        reasons = [reason.text for reason in decision.reasons]
        reason = result.text if result and result.text else next(iter(reasons), "")
        super().__init__(f"{decision.intent}: {decision.verdict}. {reason}")
        self.decision = decision
        self.result = result


def is_question(decision: Decision) -> bool:
    """Return whether the decision asks for confirmation."""
    return decision.effective_verdict is Verdict.CONFIRM


def check(decision: Decision, result: ConfirmationResult | None) -> None:
    """Return if a command is allowed or was confirmed.

    Raises:
        CommandNotAllowed: it is neither.
    """
    confirmed = is_question(decision) and _is_answer_to(decision, result)
    if decision.effective_verdict is not Verdict.ALLOW and not confirmed:
        raise CommandNotAllowed(
            decision, result if isinstance(result, ConfirmationResult) else None
        )


def _is_answer_to(decision: Decision, result: ConfirmationResult | None) -> bool:
    """Return whether a result confirms this question. A host's ``ask`` may return any object."""
    return (
        isinstance(result, ConfirmationResult)
        and result.result is Result.CONFIRMED
        and decision.confirm is not None
        and result.confirmation_id == decision.confirm.confirmation_id
        and result.household_id == decision.household_id
    )


def guarding(
    decide: Callable[[IntentEvent], Decision],
    event_of: Callable[P, IntentEvent],
    ask: Callable[[Decision], ConfirmationResult] | None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return the decorator of ``Hook.guard``."""

    def decorate(handler: Callable[P, R]) -> Callable[P, R]:
        @wraps(handler)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            decision = decide(event_of(*args, **kwargs))
            check(decision, ask(decision) if ask and is_question(decision) else None)
            return handler(*args, **kwargs)

        return guarded

    return decorate


def async_guarding(
    decide: Callable[[IntentEvent], Awaitable[Decision]],
    event_of: Callable[P, IntentEvent],
    ask: Callable[[Decision], Awaitable[ConfirmationResult]] | None,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Return the decorator of ``AsyncHook.guard``."""

    def decorate(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @wraps(handler)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            decision = await decide(event_of(*args, **kwargs))
            check(decision, await ask(decision) if ask and is_question(decision) else None)
            return await handler(*args, **kwargs)

        return guarded

    return decorate
