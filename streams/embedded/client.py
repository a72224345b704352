"""The embedded hook for asyncio. Each call runs in the hook's thread, never in the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.labels import Label, LabelKind
from streams.embedded.hook_base import CLOSE_SECONDS, EmbeddedBase
from streams.embedded.serving import CONFIRM_SECONDS
from streams.hook.calls import announced
from streams.hook.command_guard import async_guarding
from streams.hook.protocol import Said

__all__ = ["AsyncEmbeddedHook"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class AsyncEmbeddedHook(EmbeddedBase):
    """``EmbeddedHook`` for coroutines, with the same arguments. Event loops can share it.

    The constructor reads the bundle, so a running event loop should call it in a thread:
    ``hook = await asyncio.to_thread(AsyncEmbeddedHook, path)``.
    """

    async def decide(self, event: IntentEvent) -> Decision:
        """Return whether the chain of ``event`` was meant; see ``EmbeddedHook.decide``."""
        began = time.monotonic()
        try:
            decision = await _before(self._serving.deadline, self._serving.decide(event))
        except Exception as error:  # noqa: BLE001 - every fault gets the fallback
            decision = self._serving.decided_without(event, error)
        return announced(self._observers, began, decision)

    async def confirm(
        self,
        decision: Decision,
        method: ConfirmMethod,
        *,
        accepted: bool = True,
        slots: Mapping[str, str] | None = None,
        proof: str | None = None,
        said: str = "",
        heard: IntentEvent | None = None,
        household_id: str | None = None,
    ) -> ConfirmationResult:
        """Answer a decision's question. See ``AsyncHook.confirm`` for the arguments."""
        began = time.monotonic()
        given, result = self._serving.question(decision, method, accepted=accepted)
        reply = Said(slots=slots, proof=proof, said=said, heard=heard, household_id=household_id)
        if result is None:
            try:
                result = await _before(CONFIRM_SECONDS, self._serving.confirm(given, reply))
            except Exception as error:  # noqa: BLE001 - a fault never confirms
                result = self._serving.unconfirmed(given, error)
        return announced(self._observers, began, result)

    async def report(self, outcome: Outcome) -> bool:
        """Report what happened after a decision; see ``EmbeddedHook.report``."""
        began = time.monotonic()
        try:
            applied = await _before(self._serving.deadline, self._serving.report(outcome))
        except Exception as error:  # noqa: BLE001 - a report never fails the caller
            applied = self._serving.unreported(error)
        return announced(self._observers, began, applied)

    async def label(
        self, event_id: str, label: LabelKind, *, why: str, by: str = "household"
    ) -> Label | None:
        """Say whether the command of an event was meant; see ``EmbeddedHook.label``."""
        try:
            labelling = self._serving.label(event_id, label, why=why, by=by)
            return await _before(CONFIRM_SECONDS, labelling)
        except Exception as error:  # noqa: BLE001 - a label never fails the caller
            self._serving.unlabelled(error)
            return None

    def guard(
        self,
        event_of: Callable[P, IntentEvent],
        *,
        ask: Callable[[Decision], Awaitable[ConfirmationResult]] | None = None,
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Return a decorator for a command handler; see ``AsyncHook.guard``."""
        return async_guarding(self.decide, event_of, ask)

    async def close(self) -> None:
        """Close the file and end the thread. A later call opens them again."""
        await asyncio.to_thread(self._serving.close, CLOSE_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


async def _before(seconds: float, running: Future[T]) -> T:
    """Return the result of a call if it is there in time. The call continues in any case."""
    async with asyncio.timeout(seconds):
        return await asyncio.shield(asyncio.wrap_future(running))
