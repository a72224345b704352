"""The client library: asks the gateway, and answers from the policy when the gateway cannot.

``decide`` never raises for anything that the network or the gateway does, and never allows silently: a decision that is not
the gateway's has the rung ``policy``, is marked ``degraded`` and says why. Connections are kept; a gateway that fails again and again
is left alone for a second (circuit breaker); an answer that is slow is asked for once more (``hedging.py``).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import httpx
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from detector.answers import ConfirmationResult, Refusal
from detector.decisions import ConfirmMethod, Decision
from detector.events import IntentEvent, Outcome
from detector.policy import Policy
from detector.refusals import refused
from streams.hook.asking import Asking
from streams.hook.background import Background
from streams.hook.guarding import check, is_question
from streams.hook.hedging import Hedge
from streams.hook.household_secrets import SecretUnavailable
from streams.hook.tokens import Tokens
from streams.records import ANSWER, INTENT

__all__ = ["AsyncHook", "Hook"]

P = ParamSpec("P")
R = TypeVar("R")

#: The share of the deadline after which a second attempt begins: the worker's rung takes a few milliseconds as a rule.
_HEDGE_SHARE = 0.4
#: Failures in a row after which the gateway is left alone, and for how many seconds.
_FAILURES, _REST_SECONDS = 5, 1.0
#: Somebody waits who has just confirmed, and nothing is lost by waiting: the answer goes to the worker and back.
_CONFIRM_MS = 2_000


class _GatewayError(Exception):
    """The gateway answered that it cannot answer; counted by the circuit breaker as a failure."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class AsyncHook:
    """Asks the gateway from a coroutine.

    Args:
        url: the gateway's address, such as ``http://127.0.0.1:8750``.
        policy: what answers when the gateway cannot; the packaged policy where it is left out.
        deadline_ms: milliseconds in which ``decide`` answers.
        tokens: replaces what was said, and ids, before anything leaves the runtime. Without it the slots of events have to hold
            tokens already; anything else is refused here, and never sent.
        token: the bearer token that the gateway asks for.
        tls: how an https address is checked, and the client's own certificate; left out, as the system does.
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
    ) -> None:
        self.deadline_ms = deadline_ms
        self._asking = Asking(policy, tokens)
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=None,  # noqa: S113 - the whole call has one deadline
            headers={"authorization": f"Bearer {token}"} if token else None,
            verify=True if tls is None else tls,
        )
        self._breakers = AsyncCircuitBreakerFactory(_FAILURES, _REST_SECONDS)
        self._hedge = Hedge(deadline_ms / 1000.0 * _HEDGE_SHARE)

    async def decide(self, event: IntentEvent) -> Decision:
        """Ask whether somebody meant the chain that ``event`` belongs to.

        Raises:
            RejectedEvent: the event holds something that may not leave the runtime, or the gateway refused it as broken.
        """
        try:
            event = self._asking.event(event)
        except SecretUnavailable as error:
            return self._asking.fallback(event, "secret_unavailable", f"The question was not sent, {error}")
        content = INTENT.encode(event)
        try:
            async with asyncio.timeout(self.deadline_ms / 1000.0) as deadline, await self._breaker():
                response = await self._hedge.ask(lambda: self._post("/v1/decide", content, deadline))
        except OpenedState:
            text = f"The gateway failed {_FAILURES} times in a row and is left alone for {_REST_SECONDS:g} s"
            return self._asking.fallback(event, "gateway_resting", text)
        except _GatewayError as error:
            response = error.response
        except (httpx.HTTPError, TimeoutError) as error:
            return self._asking.failed(event, error, self.deadline_ms)
        return self._asking.decision(event, response)

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
    ) -> ConfirmationResult:
        """Answer a decision's question. Only ``confirmed`` lets the command run, once; whatever went wrong is ``refused``.

        Args:
            decision: what asks; its verdict is ``confirm``.
            method: how somebody answered: one of ``decision.confirm.methods``.
            accepted: yes or no.
            slots: those of the command that would run now; left out, those that were asked about.
            proof: for a PIN or a push: that it was checked (``detector.answers.proof_of``).
            said: for a challenge: what was recognised. Only challenge words leave the runtime.
            heard: for a spoken yes: the turn that was heard.

        Raises:
            RejectedEvent: the decision asks nothing, or the answer is broken.
        """
        given = self._asking.answer(
            decision, method, accepted=accepted, slots=slots, proof=proof, said=said, heard=heard
        )
        if decision.confirm is None or decision.confirm.confirmation_id is None:
            return refused(given, Refusal.UNCHECKED)
        content, result = ANSWER.encode(given), refused(given, Refusal.UNCHECKED)
        for _ in range(2):  # the same answer again does no harm, and what became of the first is told
            try:
                async with asyncio.timeout(_CONFIRM_MS / 1000.0) as deadline:
                    response = await self._post(
                        f"/v1/confirmations/{given.confirmation_id}", content, deadline
                    )
                result = self._asking.result(given, response)
            except (_GatewayError, httpx.HTTPError, TimeoutError):
                continue
            if result.reason is not Refusal.UNCHECKED:
                break
        return result

    async def report(self, outcome: Outcome) -> bool:
        """Tell what happened afterwards; return whether the worker has applied it already."""
        try:
            async with asyncio.timeout(self.deadline_ms / 1000.0) as deadline:
                response = await self._post("/v1/outcomes", self._asking.outcome(outcome), deadline)
        except (_GatewayError, httpx.HTTPError, TimeoutError, SecretUnavailable):
            return False
        return response.status_code == httpx.codes.OK

    def guard(
        self,
        event_of: Callable[P, IntentEvent],
        *,
        ask: Callable[[Decision], Awaitable[ConfirmationResult]] | None = None,
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Return a decorator for what runs commands: it runs them only if they were meant, and raises ``NotMeant`` otherwise.

        Args:
            event_of: makes the committing event from what the handler is called with.
            ask: puts a decision's question to somebody and returns what ``confirm`` returned; left out, nobody is asked.
        """

        def decorate(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
            @wraps(handler)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                decision = await self.decide(event_of(*args, **kwargs))
                check(decision, await ask(decision) if ask and is_question(decision) else None)
                return await handler(*args, **kwargs)

            return guarded

        return decorate

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _breaker(self) -> Any:
        return await self._breakers.get_breaker("gateway")

    async def _post(self, path: str, content: bytes, deadline: asyncio.Timeout) -> httpx.Response:
        """Send with what is left until the deadline: a second attempt has less of it than the first."""
        left = (deadline.when() or 0.0) - asyncio.get_running_loop().time()
        headers = self._asking.headers(max(1, round(1000 * left)))
        response = await self._client.post(path, content=content, headers=headers)
        if response.is_server_error:
            raise _GatewayError(response)
        return response


class Hook:
    """Asks the gateway, blocking; the same as ``AsyncHook``, whose work is done in a thread of its own.

    So the deadline bounds the whole call, not each of its phases, and both ask in the same way.
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
    ) -> None:
        self._background = Background(
            lambda: AsyncHook(
                url, policy=policy, deadline_ms=deadline_ms, tokens=tokens, token=token, tls=tls
            )
        )

    def decide(self, event: IntentEvent) -> Decision:
        """Ask whether somebody meant the chain that ``event`` belongs to; see ``AsyncHook.decide``."""
        return self._background.run(lambda hook: hook.decide(event))

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
    ) -> ConfirmationResult:
        """Answer a decision's question; see ``AsyncHook.confirm``."""
        return self._background.run(
            lambda hook: hook.confirm(
                decision, method, accepted=accepted, slots=slots, proof=proof, said=said, heard=heard
            )
        )

    def report(self, outcome: Outcome) -> bool:
        """Tell what happened afterwards; return whether the worker has applied it already."""
        return self._background.run(lambda hook: hook.report(outcome))

    def guard(
        self,
        event_of: Callable[P, IntentEvent],
        *,
        ask: Callable[[Decision], ConfirmationResult] | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator for what runs commands; see ``AsyncHook.guard``."""

        def decorate(handler: Callable[P, R]) -> Callable[P, R]:
            @wraps(handler)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                decision = self.decide(event_of(*args, **kwargs))
                check(decision, ask(decision) if ask and is_question(decision) else None)
                return handler(*args, **kwargs)

            return guarded

        return decorate

    def close(self) -> None:
        """Close the connections."""
        self._background.stop(lambda hook: hook.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
