"""The asynchronous client: asks the gateway, and falls back to the policy when it cannot answer.

``decide`` never raises for a fault of the network, the gateway or the store of secrets, and it
never fails open silently: a fallback decision has the rung ``policy``, is marked ``degraded`` and
carries a reason. One deadline covers the whole call, including tokens and secrets, and the event
loop is never blocked. Connections are reused. After repeated failures, the gateway
gets no requests for one second (``resting.py``). A slow request is sent twice (``hedging.py``).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

import httpx

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome
from streams.files.household_secrets import SecretUnavailable
from streams.hook.calls import Observer, announced, warn
from streams.hook.command_guard import async_guarding
from streams.hook.confirming import CONFIRM_SECONDS, confirmed
from streams.hook.connection import FAILURES, REST_SECONDS, GatewayError, warm
from streams.hook.origin import origin_of
from streams.hook.protocol import Asking, Said
from streams.hook.rejecting import RejectedEvent
from streams.hook.requests import Requests, RestingError
from streams.hook.tokenizing import Tokens
from streams.wire.records import ANSWER, DECISION, INTENT, OUTCOME, RESULT

if TYPE_CHECKING:
    from detector.policy.policy import Policy

__all__ = ["AsyncHook"]

P = ParamSpec("P")
R = TypeVar("R")

#: Timeout in seconds for closing connections.
CLOSE_SECONDS = 1.0


class AsyncHook:
    """The asyncio client. Event loops can share a hook; each gets its own connections.

    Args:
        url: the gateway's address, such as ``http://127.0.0.1:8750``.
        policy: the policy of fallback decisions; defaults to the packaged policy.
        deadline_ms: the deadline of ``decide`` and ``report``, in milliseconds.
        tokens: replaces slot values and ids by keyed tokens before anything leaves the runtime.
            Without it, slot values must already be tokens; other values are rejected and not sent.
        token: the bearer token for the gateway.
        tls: verifies the gateway's certificate and supplies the client's own; defaults to httpx's
            context. Do not share it: connections set its ALPN protocols.
        trust_env: whether to use proxies and ``.netrc`` from the environment.
        observers: called after each call with its ``Call``, in the calling coroutine. Exceptions
            are logged.

    Raises:
        InvalidValue: an argument is invalid; the message names it.
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
        origin = origin_of(url, deadline_ms=deadline_ms, token=token, tls=tls, trust_env=trust_env)
        self.deadline_ms = deadline_ms
        self.asking = Asking(policy, tokens)
        self._requests = Requests(origin, deadline_ms / 1000.0, self.asking)
        self._observers = tuple(observers)
        warm()
        for kind in (INTENT, DECISION, OUTCOME, ANSWER, RESULT):
            kind.warm()

    async def decide(self, event: IntentEvent) -> Decision:
        """Ask whether the chain that ``event`` belongs to was meant.

        Raises:
            RejectedEvent: the event contains something that may not leave the runtime, or the
                gateway rejected it as invalid.
        """
        began = time.monotonic()
        return announced(
            self._observers,
            began,
            await self.decide_until(event, began + self.deadline_ms / 1000.0),
        )

    async def decide_until(self, event: IntentEvent, until: float) -> Decision:
        """Decide without calling observers; ``until`` is the deadline on ``time.monotonic``."""
        try:
            sent = await self._requests.with_tokens(lambda: self.asking.event(event), until)
        except SecretUnavailable as error:
            return self.asking.fallback(
                event, "secret_unavailable", f"The question was not sent because {error}"
            )
        try:
            answer = await self._requests.ask(INTENT.encode(sent), until)
        except RestingError:
            text = (
                f"The gateway failed {FAILURES} times in a row"
                f" and gets no requests for {REST_SECONDS:g} s"
            )
            return self.asking.fallback(sent, "gateway_resting", text)
        except GatewayError as error:
            answer = error.answer
        except Exception as error:  # noqa: BLE001 - every fault gets the fallback
            return self.asking.failed(sent, error, self.deadline_ms)
        return self.asking.decision(sent, answer)

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
        """Answer a decision's question. Only a ``confirmed`` result permits the command, once.

        Every failure is a ``refused`` result. Its reason is ``unchecked`` if no worker checked the
        answer in time, or if it was not sent because a household's secret was unavailable; the text
        says which. The call takes at most four seconds.

        Args:
            decision: the decision that asks; its verdict is ``confirm``.
            method: how the user answered: one of ``decision.confirm.methods``.
            accepted: yes or no.
            slots: the slots of the command that would run now; defaults to those asked about.
            proof: for a PIN or a push, evidence that the runtime checked it
                (``detector.contracts.confirmations.proof_of``).
            said: for a challenge, the recognised text. Only challenge words leave the runtime.
            heard: for a spoken yes, the turn that was heard.
            household_id: the runtime's own id of the household. It is required to change ``slots``
                in a process that did not ask the question, if households have secrets.

        Raises:
            RejectedEvent: the decision asks nothing, or the answer is invalid.
        """
        began = time.monotonic()
        given = self.asking.question(decision, method, accepted=accepted)
        reply = Said(slots=slots, proof=proof, said=said, heard=heard, household_id=household_id)
        result = await confirmed(self._requests, given, reply, began + CONFIRM_SECONDS)
        return announced(self._observers, began, result)

    async def report(self, outcome: Outcome) -> bool:
        """Report what happened after a decision; return whether the worker has applied it.

        Raises:
            RejectedEvent: ``outcome`` is invalid.
        """
        began = time.monotonic()
        until = began + self.deadline_ms / 1000.0
        try:
            content = await self._requests.with_tokens(lambda: self.asking.outcome(outcome), until)
            answer = await self._requests.send("/v1/outcomes", content, until)
        except RejectedEvent:
            raise
        except Exception as error:  # noqa: BLE001 - a report never fails the caller
            warn("an outcome could not be reported (%s)", type(error).__name__)
            return announced(self._observers, began, False)
        return announced(self._observers, began, answer.status == httpx.codes.OK)

    def guard(
        self,
        event_of: Callable[P, IntentEvent],
        *,
        ask: Callable[[Decision], Awaitable[ConfirmationResult]] | None = None,
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Return a decorator that runs a handler only if its command is allowed or confirmed.

        The decorated handler raises ``CommandNotAllowed`` otherwise. Exceptions of ``event_of`` and
        ``ask`` propagate, and the command does not run.

        Args:
            event_of: makes the committing event from the handler's arguments.
            ask: puts a decision's question to the user and returns the result of ``confirm``.
                Without it, a command that needs confirmation does not run.
        """
        return async_guarding(self.decide, event_of, ask)

    async def close(self) -> None:
        """Close the connections of the running event loop. A later call opens new ones."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._requests.close()
        except TimeoutError:
            warn(
                "connections to the gateway did not close within %g s and were abandoned",
                CLOSE_SECONDS,
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
