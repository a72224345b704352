"""What the client library sends, what it makes of the answers, and the fallback. No connection here."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import httpx
from pydantic_core import to_json

from detector.answers import ConfirmationAnswer, ConfirmationResult, Refusal, Result
from detector.challenge import words_in
from detector.decisions import ConfirmMethod, Decision
from detector.events import IntentEvent, Outcome
from detector.fallback import fallback_decision
from detector.policy import Policy
from detector.refusals import refused
from streams.errors import BadRecord
from streams.hook.headers import POLICY_VERSION
from streams.hook.tokens import Tokens
from streams.policy_file import read_policy
from streams.records import DECISION, OUTCOME, RESULT
from streams.tokens import check_tokens
from streams.tracing import current_trace

__all__ = ["Asking", "RejectedEvent"]

logger = logging.getLogger(__name__)


class RejectedEvent(ValueError):
    """What the caller gave is broken, or may not leave the runtime: no fallback hides it. The message names the fields."""


class Asking:
    """Requests and answers of one client.

    Args:
        policy: what answers when the gateway cannot; ``None`` takes the packaged one.
        tokens: replaces what was said, and ids; ``None`` lets only events with tokens leave.
    """

    def __init__(self, policy: Policy | None, tokens: Tokens | None) -> None:
        self.policy = policy or read_policy()
        self.tokens = tokens
        self._versions = {self.policy.version}

    def headers(self, deadline_ms: int) -> dict[str, str]:
        """Return the headers of a request; with the trace that the runtime is in, where it uses OpenTelemetry."""
        trace = current_trace()
        return {
            "content-type": "application/json",
            "x-misfire-deadline-ms": str(deadline_ms),
            POLICY_VERSION: self.policy.version,
            **({"traceparent": trace} if trace else {}),
        }

    def event(self, event: IntentEvent) -> IntentEvent:
        """Return an event as it may leave the runtime: with keyed tokens for what was said and for ids.

        Raises:
            RejectedEvent: it holds something that may not leave.
        """
        event = self.tokens.event(event) if self.tokens else event
        try:
            check_tokens(event, ids=self.tokens is not None)
        except BadRecord as error:
            raise RejectedEvent(str(error)) from None
        return event

    def outcome(self, outcome: Outcome) -> bytes:
        """Return an outcome's bytes, with its household's token."""
        return OUTCOME.encode(self.tokens.outcome(outcome) if self.tokens else outcome)

    def answer(
        self,
        decision: Decision,
        method: ConfirmMethod,
        *,
        accepted: bool,
        slots: Mapping[str, str] | None,
        proof: str | None,
        said: str,
        heard: IntentEvent | None,
    ) -> ConfirmationAnswer:
        """Return the answer to a decision's question; of ``said`` only challenge words are kept.

        Raises:
            RejectedEvent: the decision asks nothing.
        """
        if decision.confirm is None:
            raise RejectedEvent(
                f"the decision on {decision.event_id} asks nothing: its verdict is {decision.verdict}"
            )
        now = datetime.now(UTC)
        if slots is not None and self.tokens is not None:
            slots = self.tokens.slots(decision.household_id, slots, now)
        return ConfirmationAnswer(
            # Below the gateway nobody keeps a question; then nobody is asked, and this id never leaves.
            confirmation_id=decision.confirm.confirmation_id or "none",
            answer_id=uuid.uuid4().hex,
            household_id=decision.household_id,
            session_id=decision.session_id,
            intent=decision.intent,
            method=method,
            accepted=accepted,
            time=now,
            slots=decision.confirm.slots if slots is None else slots,
            proof=proof,
            words=words_in(said),
            heard=heard and self.event(heard),
        )

    def decision(self, event: IntentEvent, response: httpx.Response) -> Decision:
        """Read an answer; whatever is wrong with it becomes the fallback, except for what the caller did wrong.

        Raises:
            RejectedEvent: the gateway refused the event.
        """
        self._compare(response)
        if response.status_code in (400, 409, 413, 415, 422):
            raise RejectedEvent(_detail(response))
        if response.status_code in (401, 403, 429):
            return self.fallback(
                event, "gateway_refused", f"The gateway refused this client ({_detail(response)})"
            )
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

    def result(self, given: ConfirmationAnswer, response: httpx.Response) -> ConfirmationResult:
        """Read what became of an answer. An answer of ours that was taken in before, and whose result was lost, has that result.

        Raises:
            RejectedEvent: the gateway refused the answer as broken.
        """
        if response.status_code in (400, 413, 415, 422):
            raise RejectedEvent(_detail(response))
        try:
            found = response.json()
            result = RESULT.decode(to_json(found.get("confirmation", found)))
        except (ValueError, AttributeError):
            return refused(given, Refusal.UNCHECKED)
        if (result.confirmation_id, result.answer_id) != (given.confirmation_id, given.answer_id):
            return refused(given, Refusal.UNCHECKED)
        if result.reason is Refusal.ALREADY_ANSWERED and result.answered_by == given.answer_id:
            became = Result.CONFIRMED if given.accepted else Result.DENIED
            return replace(result, result=became, reason=None, text="")
        return result

    def failed(self, event: IntentEvent, error: Exception, deadline_ms: int) -> Decision:
        """Return the fallback where the network failed."""
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            text = f"The gateway did not answer within {deadline_ms} ms"
            return self.fallback(event, "gateway_timeout", text)
        return self.fallback(event, "gateway_unreachable", "The gateway could not be reached")

    def fallback(self, event: IntentEvent, code: str, text: str) -> Decision:
        """Return the policy's decision, and say so in the log."""
        logger.warning("misfire: %s; the policy's rule answers", text)
        return fallback_decision(event, self.policy, code=code, text=f"{text}; the policy's rule answers.")

    def _compare(self, response: httpx.Response) -> None:
        """Warn once about each policy version of a gateway that is not ours: fallbacks here would not be those there."""
        theirs = response.headers.get(POLICY_VERSION, self.policy.version)
        if theirs not in self._versions:
            self._versions.add(theirs)
            logger.warning(
                "misfire: the gateway decides with policy %s, the fallbacks here are of policy %s; give both the same",
                theirs,
                self.policy.version,
            )


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the gateway refused what was sent with status {response.status_code}"
