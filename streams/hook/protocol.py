"""Builds the client's requests, reads the responses, and makes the fallback decision. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from detector.contracts.challenge_words import words_in
from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome
from streams.files.household_secrets import SecretUnavailable
from streams.hook.calls import warn
from streams.hook.connection import Answer
from streams.hook.reading import UnreadableAnswerError, detail_of, read_decision, read_result
from streams.hook.rejecting import RejectedEvent, check_is, rejecting
from streams.hook.tokenizing import Tokens
from streams.wire.http_headers import POLICY_VERSION
from streams.wire.records import OUTCOME
from streams.wire.token_format import check_tokens
from streams.wire.traceparent import current_trace

if TYPE_CHECKING:
    from detector.policy.policy import Policy

__all__ = ["NO_QUESTION", "Asking", "Said"]

#: The confirmation id of a fallback decision. No worker knows it, so its answers are never sent.
NO_QUESTION = "none"

#: Statuses with which the gateway rejects an invalid request.
_BROKEN = (400, 413, 415, 422)
#: Policy versions to warn about, once each. Bounded, because a response can contain any text.
_MOST_WARNINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The user's answer to a question; see ``AsyncHook.confirm``."""

    slots: Mapping[str, str] | None
    proof: str | None
    said: str
    heard: IntentEvent | None
    household_id: str | None


class Asking:
    """Requests and responses of one client.

    Args:
        policy: the policy of fallback decisions; ``None`` means the packaged policy.
        tokens: replaces slot values and ids; with ``None``, events must already contain tokens.
    """

    def __init__(self, policy: Policy | None, tokens: Tokens | None) -> None:
        # Policies take a third of this package's import time, so the first hook imports them.
        from detector.policy.fallback import fallback_decision  # noqa: PLC0415 - as above
        from streams.files.policy import read_policy  # noqa: PLC0415 - as above

        self.policy = policy or read_policy()
        self._fallback_decision = fallback_decision
        self.tokens = tokens
        self._versions = {self.policy.version}

    def headers(self, deadline_ms: int) -> dict[str, str]:
        """Return the headers of a request, with the current OpenTelemetry trace if there is one."""
        trace = current_trace()
        return {
            "content-type": "application/json",
            "x-misfire-deadline-ms": str(deadline_ms),
            POLICY_VERSION: self.policy.version.encode("ascii", "replace").decode(),
            **({"traceparent": trace} if trace else {}),
        }

    def event(self, event: IntentEvent) -> IntentEvent:
        """Return the event with keyed tokens in place of slot values and ids.

        Raises:
            RejectedEvent: it contains something that may not leave the runtime, or is not an event.
            SecretUnavailable: the household's secret is not available.
        """
        check_is(event, IntentEvent)
        with rejecting("the event"):
            sent = self.tokens.event(event) if self.tokens else event
            check_tokens(sent, ids=self.tokens is not None)
        return sent

    def outcome(self, outcome: Outcome) -> bytes:
        """Return an outcome's bytes, with its household's token.

        Raises:
            RejectedEvent: it is not an outcome.
            SecretUnavailable: the household's secret is not available.
        """
        check_is(outcome, Outcome)
        with rejecting("the outcome"):
            return OUTCOME.encode(self.tokens.outcome(outcome) if self.tokens else outcome)

    def question(
        self, decision: Decision, method: ConfirmMethod, *, accepted: bool
    ) -> ConfirmationAnswer:
        """Return an answer that is bound to a decision's question, without proof or words yet.

        Raises:
            RejectedEvent: the decision asks nothing, or the method is unknown.
        """
        check_is(decision, Decision)
        if decision.confirm is None:
            raise RejectedEvent(
                f"the decision on {decision.event_id} asks nothing:"
                f" its verdict is {decision.verdict}"
            )
        with rejecting("the answer"):
            return ConfirmationAnswer(
                confirmation_id=decision.confirm.confirmation_id or NO_QUESTION,
                answer_id=uuid.uuid4().hex,
                household_id=decision.household_id,
                session_id=decision.session_id,
                intent=decision.intent,
                method=ConfirmMethod(method),
                accepted=bool(accepted),
                time=datetime.now(UTC),
                slots=decision.confirm.slots,
            )

    def answer(self, question: ConfirmationAnswer, said: Said) -> ConfirmationAnswer:
        """Return the answer with the user's reply; of its text, only challenge words are kept.

        Raises:
            RejectedEvent: the reply is invalid, or the decision is about another household.
            SecretUnavailable: the household's secret is not available.
        """
        with rejecting("the answer"):
            return replace(
                question,
                slots=question.slots if said.slots is None else self._slots(question, said),
                proof=said.proof,
                words=words_in(said.said),
                heard=said.heard and self.event(said.heard),
            )

    def _slots(self, question: ConfirmationAnswer, said: Said) -> Mapping[str, str]:
        """Return the slots of the command that would run now, as the household's tokens."""
        slots, asked = said.slots or {}, question.household_id
        if self.tokens is None:
            return slots
        household = asked if said.household_id is None else said.household_id
        if said.household_id is None and not self.tokens.can_replace_slots(asked):
            raise SecretUnavailable(
                "another process asked about this household;"
                " pass household_id to confirm if the slots have changed"
            )
        if asked not in (household, self.tokens.household(household)):
            raise RejectedEvent("household_id is not the household that the decision is about")
        return self.tokens.slots(household, slots, question.time)

    def decision(self, event: IntentEvent, answer: Answer) -> Decision:
        """Return the decision in a response; fall back if the response is unusable.

        Raises:
            RejectedEvent: the gateway rejected the event.
        """
        self._compare(answer.policy)
        detail = detail_of(answer)
        if detail is not None and answer.status in {*_BROKEN, httpx.codes.CONFLICT}:
            raise RejectedEvent(detail)
        if answer.status in (401, 403, 429):
            why = detail or f"status {answer.status}"
            return self.fallback(
                event, "gateway_refused", f"The gateway refused this client ({why})"
            )
        try:
            return read_decision(event, answer)
        except UnreadableAnswerError as error:
            return self.fallback(event, "gateway_error", str(error))

    def result(self, given: ConfirmationAnswer, answer: Answer) -> ConfirmationResult:
        """Return the result of a confirmation.

        Raises:
            RejectedEvent: the gateway rejected the answer as invalid.
        """
        detail = detail_of(answer)
        if detail is not None and answer.status in _BROKEN:
            raise RejectedEvent(detail)
        return read_result(given, answer)

    def failed(self, event: IntentEvent, error: Exception, deadline_ms: int) -> Decision:
        """Return the fallback for an error of the request."""
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            text = f"The gateway did not answer within {deadline_ms} ms"
            return self.fallback(event, "gateway_timeout", text)
        if isinstance(error, httpx.HTTPError):
            return self.fallback(event, "gateway_unreachable", "The gateway could not be reached")
        return self.fallback(event, "client_error", f"The client failed ({type(error).__name__})")

    def fallback(self, event: IntentEvent, code: str, text: str) -> Decision:
        """Return the policy's fallback decision and log a warning."""
        warn("%s; the policy's rule answers", text)
        return self._fallback_decision(
            event, self.policy, code=code, text=f"{text}; the policy's rule answers."
        )

    def _compare(self, theirs: str | None) -> None:
        """Warn once for each gateway policy that differs from the client's."""
        if theirs is None or theirs in self._versions or len(self._versions) > _MOST_WARNINGS:
            return
        self._versions.add(theirs)
        warn(
            "the gateway uses policy %.40s, but this client falls back to policy %s;"
            " deploy the same policy to both",
            theirs,
            self.policy.version,
        )
