"""The client library: asks the gateway, and answers from the policy when the gateway cannot.

``decide`` never raises for anything that the network or the gateway does, and never allows silently: a decision that is not
the gateway's has the rung ``policy``, is marked ``degraded`` and says why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from types import TracebackType
from typing import Any, Self

import httpx

from detector.decisions import Decision
from detector.events import IntentEvent, Outcome
from detector.pipeline import fallback_decision
from detector.policy import Policy
from streams.bundles import read_policy
from streams.errors import BadRecord
from streams.hook.tokens import Tokens
from streams.records import DECISION, INTENT, OUTCOME
from streams.tokens import check_tokens

__all__ = ["AsyncHook", "Hook", "RejectedEvent"]

logger = logging.getLogger(__name__)

#: The share of the deadline in which the gateway must be reached; the rest is for its answer.
_CONNECT_SHARE = 0.3
_JSON = {"content-type": "application/json"}


class RejectedEvent(ValueError):
    """The gateway refused the event as broken: the caller's fault, so no fallback hides it. The message names the fields."""


class _Caller:
    """What both clients share: requests, answers, and the fallback."""

    def __init__(
        self, policy: Policy | None, deadline_ms: int, tokens: Tokens | None, *, is_async: bool
    ) -> None:
        self.tokens = tokens
        self.policy = policy or read_policy()
        self.deadline_ms = deadline_ms
        self.is_async = is_async

    def request(self, path: str, content: bytes) -> dict[str, Any]:
        """The arguments of one request, with time-outs that are shares of one deadline.

        httpx bounds each phase, not the whole: so what is left is counted again when the wait for the answer begins.
        """
        seconds = self.deadline_ms / 1000.0
        connect = seconds * _CONNECT_SHARE
        timeouts = {"connect": connect, "pool": connect, "write": connect, "read": seconds}
        end = time.monotonic() + seconds

        def shorten(event: str, _: Any) -> None:
            if event.endswith("receive_response_headers.started"):
                timeouts["read"] = max(end - time.monotonic(), 0.001)

        async def shorten_async(event: str, info: Any) -> None:
            shorten(event, info)

        return {
            "url": path,
            "content": content,
            "headers": {**_JSON, "x-misfire-deadline-ms": str(self.deadline_ms)},
            "extensions": {"timeout": timeouts, "trace": shorten_async if self.is_async else shorten},
        }

    def leaving(self, event: IntentEvent) -> IntentEvent:
        """Return the event as it may leave the runtime: with keyed tokens for what was said and for ids."""
        event = self.tokens.event(event) if self.tokens else event
        try:
            check_tokens(event, ids=self.tokens is not None)
        except BadRecord as error:
            raise RejectedEvent(str(error)) from None
        return event

    def outcome(self, outcome: Outcome) -> bytes:
        """Return an outcome's bytes, with its household's token."""
        return OUTCOME.encode(self.tokens.outcome(outcome) if self.tokens else outcome)

    def decision(self, event: IntentEvent, response: httpx.Response) -> Decision:
        """Read an answer; whatever is wrong with it becomes the fallback, except for what the caller did wrong."""
        if response.status_code in (400, 413, 415, 422):
            raise RejectedEvent(_detail(response))
        if response.status_code != httpx.codes.OK:
            return self.fallback(
                event, "gateway_error", f"The gateway answered with status {response.status_code}"
            )
        try:
            decision = DECISION.decode(response.content)
        except BadRecord:
            return self.fallback(event, "gateway_error", "The gateway's answer could not be read")
        if decision.event_id != event.event_id:
            return self.fallback(event, "gateway_error", "The gateway answered for another event")
        return decision

    def failed(self, event: IntentEvent, error: Exception) -> Decision:
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return self.fallback(
                event, "gateway_timeout", f"The gateway did not answer within {self.deadline_ms} ms"
            )
        return self.fallback(event, "gateway_unreachable", "The gateway could not be reached")

    def fallback(self, event: IntentEvent, code: str, text: str) -> Decision:
        logger.warning("misfire: %s; the policy's rule answers", text)
        return fallback_decision(event, self.policy, code=code, text=f"{text}; the policy's rule answers.")


class Hook:
    """Asks the gateway, blocking.

    Args:
        url: the gateway's address, such as ``http://127.0.0.1:8750``.
        policy: what answers when the gateway cannot; the packaged policy where it is left out.
        deadline_ms: milliseconds in which ``decide`` answers.
        tokens: replaces what was said, and ids, before anything leaves the runtime. Without it the slots of events have to hold
            tokens already; anything else is refused here, and never sent.
    """

    def __init__(
        self,
        url: str,
        *,
        policy: Policy | None = None,
        deadline_ms: int = 150,
        tokens: Tokens | None = None,
    ) -> None:
        self._caller = _Caller(policy, deadline_ms, tokens, is_async=False)
        self._client = httpx.Client(base_url=url)

    def decide(self, event: IntentEvent) -> Decision:
        """Ask whether somebody meant the chain that ``event`` belongs to.

        Raises:
            RejectedEvent: the event holds something that may not leave the runtime, or the gateway refused it as broken.
        """
        event = self._caller.leaving(event)
        try:
            response = self._client.post(**self._caller.request("/v1/decide", INTENT.encode(event)))
        except httpx.HTTPError as error:
            return self._caller.failed(event, error)
        return self._caller.decision(event, response)

    def report(self, outcome: Outcome) -> bool:
        """Tell what happened afterwards; return whether the worker has applied it already."""
        try:
            response = self._client.post(
                **self._caller.request("/v1/outcomes", self._caller.outcome(outcome))
            )
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncHook:
    """Asks the gateway from a coroutine; see ``Hook``."""

    def __init__(
        self,
        url: str,
        *,
        policy: Policy | None = None,
        deadline_ms: int = 150,
        tokens: Tokens | None = None,
    ) -> None:
        self._caller = _Caller(policy, deadline_ms, tokens, is_async=True)
        self._client = httpx.AsyncClient(base_url=url)

    async def decide(self, event: IntentEvent) -> Decision:
        """Ask whether somebody meant the chain that ``event`` belongs to; see ``Hook.decide``."""
        event = self._caller.leaving(event)
        asked = self._client.post(**self._caller.request("/v1/decide", INTENT.encode(event)))
        try:
            response = await asyncio.wait_for(asked, self._caller.deadline_ms / 1000.0)
        except (httpx.HTTPError, TimeoutError) as error:
            return self._caller.failed(event, error)
        return self._caller.decision(event, response)

    async def report(self, outcome: Outcome) -> bool:
        """Tell what happened afterwards; return whether the worker has applied it already."""
        try:
            response = await self._client.post(
                **self._caller.request("/v1/outcomes", self._caller.outcome(outcome))
            )
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the gateway refused the event with status {response.status_code}"
