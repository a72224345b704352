"""The client library for coroutines: asks the gateway, and answers from the policy when the gateway cannot.

``decide`` never raises for anything that the network, the gateway or a store of secrets does, and never allows silently: a decision that
is not the gateway's has the rung ``policy``, is marked ``degraded`` and says why. All of it, tokens and secrets included, is within
one deadline, and nothing of it blocks the event loop. Connections are kept; a gateway that fails again and again is left alone for a
second (``resting.py``); an answer that is slow is asked for once more (``hedging.py``).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import httpx

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.refusals import refused
from detector.policy.policy import Policy
from streams.files.household_secrets import SecretUnavailable
from streams.hook.aside import Aside, ThreadUnavailable
from streams.hook.calls import Call, Observer, announce, warn
from streams.hook.command_guard import check, is_question
from streams.hook.connection import FAILURES, REST_SECONDS, Answer, Connections, GatewayError, warm
from streams.hook.origin import origin_of
from streams.hook.protocol import NO_QUESTION, Asking, Said
from streams.hook.rejecting import RejectedEvent
from streams.hook.tokenizing import Tokens
from streams.wire.records import ANSWER, DECISION, INTENT, OUTCOME, RESULT

__all__ = ["AsyncHook"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
A = TypeVar("A", Decision, ConfirmationResult, bool)

#: Somebody waits who has just confirmed, and nothing is lost by waiting: the answer goes to the worker and back. It is sent twice at most.
CONFIRM_SECONDS, _SENT = 2.0, 2
#: Seconds that closing connections may take.
CLOSE_SECONDS = 1.0


class AsyncHook:
    """Asks the gateway from a coroutine of asyncio. Several event loops may share one, each with connections of its own.

    Args:
        url: the gateway's address, such as ``http://127.0.0.1:8750``.
        policy: what answers when the gateway cannot; the packaged policy where it is left out.
        deadline_ms: milliseconds in which ``decide`` and ``report`` answer.
        tokens: replaces what was said, and ids, before anything leaves the runtime. Without it the slots of events have to hold
            tokens already; anything else is refused here, and never sent.
        token: the bearer token that the gateway asks for.
        tls: how an https address is checked, and the client's own certificate. Give it to this hook alone: connections set the
            protocols that it offers. Left out, as httpx does.
        trust_env: whether proxies and ``.netrc`` are taken from the environment.
        observers: called after each call with its ``Call``, in the coroutine that made it; what one raises is logged.

    Raises:
        InvalidValue: an argument is wrong; the message names it.
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
        self._connections = Connections(origin, deadline_ms / 1000.0)
        self._aside = Aside()
        self._observers = tuple(observers)
        warm()
        for kind in (INTENT, DECISION, OUTCOME, ANSWER, RESULT):
            kind.warm()

    async def decide(self, event: IntentEvent) -> Decision:
        """Ask whether somebody meant the chain that ``event`` belongs to.

        Raises:
            RejectedEvent: the event holds something that may not leave the runtime, or the gateway refused it as broken.
        """
        began = time.monotonic()
        return self._announced(
            began, await self.decide_until(event, began + self.deadline_ms / 1000.0)
        )

    async def decide_until(self, event: IntentEvent, until: float) -> Decision:
        """As ``decide``, but announced to no observer, and with a deadline as a reading of ``time.monotonic``."""
        try:
            sent = await self._replaced(lambda: self.asking.event(event), until)
        except SecretUnavailable as error:
            return self.asking.fallback(
                event, "secret_unavailable", f"The question was not sent, {error}"
            )
        try:
            answer = await self._asked(INTENT.encode(sent), until)
        except _Resting:
            text = f"The gateway failed {FAILURES} times in a row and is left alone for {REST_SECONDS:g} s"
            return self.asking.fallback(sent, "gateway_resting", text)
        except GatewayError as error:
            answer = error.answer
        except Exception as error:  # noqa: BLE001 - whatever fails on the way, the command gets an answer
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
        """Answer a decision's question. Only ``confirmed`` lets the command run, once; whatever went wrong is ``refused``.

        An answer that nobody could check in time is ``unchecked``, and so is one that was not sent because a household's secret could not
        be had; its text says which. It takes four seconds at most.

        Args:
            decision: what asks; its verdict is ``confirm``.
            method: how somebody answered: one of ``decision.confirm.methods``.
            accepted: yes or no.
            slots: those of the command that would run now; left out, those that were asked about.
            proof: for a PIN or a push: that it was checked (``detector.contracts.confirmations.proof_of``).
            said: for a challenge: what was recognised. Only challenge words leave the runtime.
            heard: for a spoken yes: the turn that was heard.
            household_id: the runtime's own id of the household. With a secret for each household, changed ``slots`` need it
                in a process that did not ask itself.

        Raises:
            RejectedEvent: the decision asks nothing, or the answer is broken.
        """
        began = time.monotonic()
        given = self.asking.question(decision, method, accepted=accepted)
        reply = Said(slots=slots, proof=proof, said=said, heard=heard, household_id=household_id)
        result = await self._confirmed(given, reply, began + _SENT * CONFIRM_SECONDS)
        return self._announced(began, result)

    async def report(self, outcome: Outcome) -> bool:
        """Tell what happened afterwards; return whether the worker has applied it already.

        Raises:
            RejectedEvent: it is no outcome.
        """
        began = time.monotonic()
        until = began + self.deadline_ms / 1000.0
        try:
            content = await self._replaced(lambda: self.asking.outcome(outcome), until)
            answer = await self._sent("/v1/outcomes", content, until)
        except RejectedEvent:
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails on the way, the caller goes on
            warn("an outcome was not reported (%s)", type(error).__name__)
            return self._announced(began, False)
        return self._announced(began, answer.status == httpx.codes.OK)

    def guard(
        self,
        event_of: Callable[P, IntentEvent],
        *,
        ask: Callable[[Decision], Awaitable[ConfirmationResult]] | None = None,
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Return a decorator for what runs commands: it runs them only if they were meant, and raises ``CommandNotAllowed`` otherwise.

        Args:
            event_of: makes the committing event from what the handler is called with.
            ask: puts a decision's question to somebody and returns what ``confirm`` returned; left out, nobody is asked.
                What ``event_of`` and ``ask`` raise reaches the caller, and the command does not run.
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
        """Close the connections of the running event loop. A hook that is used again opens new ones."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connections.close()
        except TimeoutError:
            warn(
                "connections to the gateway did not close within %g s and are left to the system",
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

    async def _replaced(self, work: Callable[[], T], until: float) -> T:
        """Put tokens in the place of what was said. A store of secrets may block: then beside the event loop, until the deadline.

        Raises:
            RejectedEvent: what is to be replaced is broken.
            SecretUnavailable: the household's secret cannot be had, in time.
        """
        if self.asking.tokens is None or not self.asking.tokens.may_block:
            return work()
        try:
            async with asyncio.timeout(until - time.monotonic()):
                return await self._aside.run(work)
        except TimeoutError:
            raise SecretUnavailable(
                "a household's secret cannot be had before the deadline"
            ) from None
        except ThreadUnavailable as error:
            raise SecretUnavailable(f"a household's secret cannot be had: {error}") from None

    async def _asked(self, content: bytes, until: float) -> Answer:
        """Ask for a decision, twice where the first answer is slow, and mind whether the gateway answers at all."""
        connection = self._connections.current()
        rest = connection.rest
        if rest.holds(time.monotonic()):
            raise _Resting
        try:
            async with asyncio.timeout(until - time.monotonic()):
                answer = await connection.hedge.ask(
                    lambda: self._post("/v1/decide", content, until)
                )
        except (GatewayError, httpx.HTTPError, TimeoutError):
            rest.failed(time.monotonic())
            raise
        rest.answered()
        return answer

    async def _confirmed(
        self, given: ConfirmationAnswer, reply: Said, until: float
    ) -> ConfirmationResult:
        result = refused(given, Refusal.UNCHECKED)
        if given.confirmation_id == NO_QUESTION:
            return result
        try:
            given = await self._replaced(lambda: self.asking.answer(given, reply), until)
        except SecretUnavailable as error:
            return replace(result, text=f"The answer was not sent, {error}.")
        path, content = f"/v1/confirmations/{given.confirmation_id}", ANSWER.encode(given)
        for _ in range(
            _SENT
        ):  # the same answer again does no harm, and what became of the first is told
            try:
                attempt = min(until, time.monotonic() + CONFIRM_SECONDS)
                result = self.asking.result(given, await self._sent(path, content, attempt))
            except RejectedEvent:
                raise
            except Exception as error:  # noqa: BLE001 - whatever fails on the way, nothing is confirmed
                warn("an answer to a question was not checked (%s)", type(error).__name__)
                continue
            if result.reason is not Refusal.UNCHECKED:
                break
        return result

    async def _sent(self, path: str, content: bytes, until: float) -> Answer:
        async with asyncio.timeout(until - time.monotonic()):
            return await self._post(path, content, until)

    async def _post(self, path: str, content: bytes, until: float) -> Answer:
        """Send with what is left until the deadline: a second attempt has less of it than the first."""
        left_ms = max(1, round(1000 * (until - time.monotonic())))
        return await self._connections.current().post(path, content, self.asking.headers(left_ms))

    def _announced(self, began: float, found: A) -> A:
        if self._observers:
            announce(self._observers, Call.of(found, time.monotonic() - began))
        return found


class _Resting(Exception):
    """The gateway is left alone."""
