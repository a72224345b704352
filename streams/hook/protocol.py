"""What the client library sends, what it makes of the answers, and the fallback. No connection here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx

from detector.contracts.challenge_words import words_in
from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.policy.fallback import fallback_decision
from detector.policy.policy import Policy
from streams.files.household_secrets import SecretUnavailable
from streams.files.policy import read_policy
from streams.hook.calls import warn
from streams.hook.connection import Answer
from streams.hook.reading import UnreadableAnswerError, detail_of, read_decision, read_result
from streams.hook.rejecting import RejectedEvent, check_is, rejecting
from streams.hook.tokenizing import Tokens
from streams.wire.http_headers import POLICY_VERSION
from streams.wire.records import OUTCOME
from streams.wire.token_format import check_tokens
from streams.wire.traceparent import current_trace

__all__ = ["NO_QUESTION", "Asking", "Said"]

#: The id of a question that the policy asks: no worker keeps it, so that no answer to it is ever sent.
NO_QUESTION = "none"

#: The gateway's statuses for what the caller did wrong.
_BROKEN = (400, 413, 415, 422)
#: Versions of policies that are warned about, once each; what answers can send any text.
_MOST_WARNINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was answered to a question; see ``AsyncHook.confirm``."""

    slots: Mapping[str, str] | None
    proof: str | None
    said: str
    heard: IntentEvent | None
    household_id: str | None


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
            POLICY_VERSION: self.policy.version.encode("ascii", "replace").decode(),
            **({"traceparent": trace} if trace else {}),
        }

    def event(self, event: IntentEvent) -> IntentEvent:
        """Return an event as it may leave the runtime: with keyed tokens for what was said and for ids.

        Raises:
            RejectedEvent: it holds something that may not leave, or is no event.
            SecretUnavailable: the household's secret cannot be had.
        """
        check_is(event, IntentEvent)
        with rejecting("the event"):
            sent = self.tokens.event(event) if self.tokens else event
            check_tokens(sent, ids=self.tokens is not None)
        return sent

    def outcome(self, outcome: Outcome) -> bytes:
        """Return an outcome's bytes, with its household's token.

        Raises:
            RejectedEvent: it is no outcome.
            SecretUnavailable: the household's secret cannot be had.
        """
        check_is(outcome, Outcome)
        with rejecting("the outcome"):
            return OUTCOME.encode(self.tokens.outcome(outcome) if self.tokens else outcome)

    def question(
        self, decision: Decision, method: ConfirmMethod, *, accepted: bool
    ) -> ConfirmationAnswer:
        """Return an answer to a decision's question that is bound to what was asked, as yet without a proof.

        Raises:
            RejectedEvent: the decision asks nothing, or the method is none.
        """
        check_is(decision, Decision)
        if decision.confirm is None:
            raise RejectedEvent(
                f"the decision on {decision.event_id} asks nothing: its verdict is {decision.verdict}"
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
        """Return the answer with what was said to it; of that, only challenge words are kept.

        Raises:
            RejectedEvent: something of it is broken, or the household is not the one that was asked.
            SecretUnavailable: the household's secret cannot be had.
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
        """The slots of the command that would run now, as tokens of the household that was asked."""
        slots, asked = said.slots or {}, question.household_id
        if self.tokens is None:
            return slots
        household = asked if said.household_id is None else said.household_id
        if said.household_id is None and not self.tokens.can_tell(asked):
            raise SecretUnavailable(
                "another process asked about this household; give confirm its household_id where slots have changed"
            )
        if asked not in (household, self.tokens.household(household)):
            raise RejectedEvent("household_id is not the household that the decision is about")
        return self.tokens.slots(household, slots, question.time)

    def decision(self, event: IntentEvent, answer: Answer) -> Decision:
        """Read an answer; whatever is wrong with it becomes the fallback, except for what the caller did wrong.

        Raises:
            RejectedEvent: the gateway refused the event.
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
        """Read what became of an answer to a question.

        Raises:
            RejectedEvent: the gateway refused the answer as broken.
        """
        detail = detail_of(answer)
        if detail is not None and answer.status in _BROKEN:
            raise RejectedEvent(detail)
        return read_result(given, answer)

    def failed(self, event: IntentEvent, error: Exception, deadline_ms: int) -> Decision:
        """Return the fallback where the way to the gateway failed."""
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            text = f"The gateway did not answer within {deadline_ms} ms"
            return self.fallback(event, "gateway_timeout", text)
        if isinstance(error, httpx.HTTPError):
            return self.fallback(event, "gateway_unreachable", "The gateway could not be reached")
        return self.fallback(event, "client_error", f"The client failed ({type(error).__name__})")

    def fallback(self, event: IntentEvent, code: str, text: str) -> Decision:
        """Return the policy's decision, and say so in the log."""
        warn("%s; the policy's rule answers", text)
        return fallback_decision(
            event, self.policy, code=code, text=f"{text}; the policy's rule answers."
        )

    def _compare(self, theirs: str | None) -> None:
        """Warn once about each policy version of a gateway that is not ours: fallbacks here would not be those there."""
        if theirs is None or theirs in self._versions or len(self._versions) > _MOST_WARNINGS:
            return
        self._versions.add(theirs)
        warn(
            "the gateway decides with policy %.40s, the fallbacks here are of policy %s; give both the same",
            theirs,
            self.policy.version,
        )
