"""The client library for synchronous callers."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from detector.contracts.confirmations import ConfirmationResult, Refusal
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.refusals import refused
from streams.hook.calls import Observer, announced, warn
from streams.hook.client import CLOSE_SECONDS, AsyncHook
from streams.hook.command_guard import guarding
from streams.hook.confirming import CONFIRM_SECONDS
from streams.hook.loop_thread import Background, NotRunningError
from streams.hook.rejecting import check_is
from streams.hook.tokenizing import Tokens

if TYPE_CHECKING:
    from detector.policy.policy import Policy

__all__ = ["Hook"]

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds past the deadline for which a call waits for the loop thread, which enforces the
#: deadline itself.
_GRACE = 0.05


class Hook:
    """The synchronous client. It runs an ``AsyncHook`` in a background thread.

    The deadline therefore bounds the whole call, not each phase of a request. A hook can be shared
    by threads and by the children of a fork. Observers run in the calling thread.

    See ``AsyncHook`` for the arguments.
    """

    def __init__(
        self,
        url: str,
        *,
        policy: Policy | None = None,
        deadline_ms: int = 150,
        tokens: Tokens | None = None,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        trust_env: bool = False,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._hook = AsyncHook(
            url,
            policy=policy,
            deadline_ms=deadline_ms,
            tokens=tokens,
            token=token,
            tls=tls,
            trust_env=trust_env,
        )
        self._background = Background()
        self._observers = tuple(observers)

    def decide(self, event: IntentEvent) -> Decision:
        """Ask whether the chain of ``event`` was meant; see ``AsyncHook.decide``."""
        began, deadline = time.monotonic(), self._hook.deadline_ms / 1000.0
        check_is(event, IntentEvent)
        try:
            decision = self._background.run(
                lambda: self._hook.decide_until(event, began + deadline), deadline + _GRACE
            )
        except (NotRunningError, TimeoutError) as error:
            decision = self._hook.asking.failed(event, error, self._hook.deadline_ms)
        return announced(self._observers, began, decision)

    def confirm(
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
        """Answer a decision's question; see ``AsyncHook.confirm``."""
        began = time.monotonic()
        try:
            result = self._background.run(
                lambda: self._hook.confirm(
                    decision,
                    method,
                    accepted=accepted,
                    slots=slots,
                    proof=proof,
                    said=said,
                    heard=heard,
                    household_id=household_id,
                ),
                CONFIRM_SECONDS + _GRACE,
            )
        except (NotRunningError, TimeoutError) as error:
            warn("a confirmation could not be checked (%s)", type(error).__name__)
            result = refused(
                self._hook.asking.question(decision, method, accepted=accepted), Refusal.UNCHECKED
            )
        return announced(self._observers, began, result)

    def report(self, outcome: Outcome) -> bool:
        """Report the outcome of a command; see ``AsyncHook.report``."""
        began = time.monotonic()
        try:
            applied = self._background.run(
                lambda: self._hook.report(outcome), self._hook.deadline_ms / 1000.0 + _GRACE
            )
        except (NotRunningError, TimeoutError) as error:
            warn("an outcome could not be reported (%s)", type(error).__name__)
            applied = False
        return announced(self._observers, began, applied)

    def guard(
        self,
        event_of: Callable[P, IntentEvent],
        *,
        ask: Callable[[Decision], ConfirmationResult] | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator for a command handler; see ``AsyncHook.guard``."""
        return guarding(self.decide, event_of, ask)

    def close(self) -> None:
        """Close the connections and stop the thread. A later call opens new ones."""
        self._background.stop(self._hook.close, CLOSE_SECONDS + _GRACE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
