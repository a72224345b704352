"""A hook that answers as a test says, and records what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

from detector.contracts.confirmations import ConfirmationResult, Refusal, Result
from detector.contracts.decisions import (
    Confirm,
    ConfirmMethod,
    Decision,
    Enforcement,
    Reason,
    Rung,
    Verdict,
)
from detector.contracts.events import IntentEvent, Outcome
from detector.policy.fallback import draft_decision
from detector.policy.policy import Policy
from streams.files.policy import read_policy

__all__ = ["Answer", "Script", "ScriptedHook"]

#: The words of every challenge.
WORDS = ("walrus", "lantern")


@dataclass(slots=True, kw_only=True)
class Script:
    """What the hook answers next. ``fails`` names the methods that raise an exception."""

    verdict: Verdict = Verdict.ALLOW
    shadow: bool = False
    confirms: bool = True
    fails: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that the runtime passed on."""

    event_id: str
    method: ConfirmMethod
    accepted: bool


@dataclass(slots=True)
class ScriptedHook:
    """A hook with ``decide``, ``confirm`` and ``report`` that follow ``script``.

    ``rejected`` are the sentences with which the stand-in gateway rejected requests.
    """

    script: Script = field(default_factory=Script)
    events: list[IntentEvent] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    def decide(self, event: IntentEvent) -> Decision:
        """Record the event and return the decision of the script."""
        self.events.append(event)
        self._may_fail("decide")
        return decision_on(event, self.script)

    def confirm(
        self,
        decision: Decision,
        method: ConfirmMethod,
        *,
        accepted: bool = True,
        slots: Mapping[str, str] | None = None,  # noqa: ARG002 - the signature of the hook
        proof: str | None = None,  # noqa: ARG002 - as above
        said: str = "",  # noqa: ARG002 - as above
        heard: IntentEvent | None = None,  # noqa: ARG002 - as above
        household_id: str | None = None,  # noqa: ARG002 - as above
    ) -> ConfirmationResult:
        """Record the answer and return the result of the script."""
        self.answers.append(Answer(event_id=decision.event_id, method=method, accepted=accepted))
        self._may_fail("confirm")
        return result_of(decision, self.script, accepted=accepted)

    def report(self, outcome: Outcome) -> bool:
        """Record the outcome."""
        self.outcomes.append(outcome)
        self._may_fail("report")
        return True

    def _may_fail(self, method: str) -> None:
        if method in self.script.fails:
            raise RuntimeError(f"{method} fails, as the script says")


@cache
def _policy() -> Policy:
    return read_policy()


def decision_on(event: IntentEvent, script: Script) -> Decision:
    """Return the decision on an event that a script says; turns that do not commit are allowed."""
    policy = _policy()
    draft = draft_decision(
        event, policy, "contract", Rung.WORKER, risk=policy.classify(event.intent).risk
    )
    verdict = script.verdict if event.commits else Verdict.ALLOW
    confirm = None
    if verdict is Verdict.CONFIRM:
        confirm = Confirm(
            methods=tuple(ConfirmMethod),
            prompt=f"Was {event.intent} intended? To confirm, say: {' '.join(WORDS)}",
            confirmation_id=f"question-{event.event_id}",
            expires_at=event.time + timedelta(seconds=60),
            slots=event.slots,
            challenge=WORDS,
        )
    return replace(
        draft,
        verdict=verdict,
        effective_verdict=Verdict.ALLOW if script.shadow else verdict,
        enforcement=Enforcement.SHADOW if script.shadow else Enforcement.ENFORCE,
        confirm=confirm,
        reasons=(Reason(code="contract", event_id=event.event_id, bits=0.0, text="A test."),),
    )


def result_of(decision: Decision, script: Script, *, accepted: bool) -> ConfirmationResult:
    """Return the result of an answer that a script says."""
    became = Result.CONFIRMED if accepted else Result.DENIED
    refused = accepted and not script.confirms
    return ConfirmationResult(
        confirmation_id=(decision.confirm and decision.confirm.confirmation_id) or "none",
        answer_id=f"answer-{decision.event_id}",
        household_id=decision.household_id,
        result=Result.REFUSED if refused else became,
        event_id=None if refused else decision.event_id,
        reason=Refusal.WRONG_WORDS if refused else None,
        text="The words that were heard differ from the challenge words." if refused else "",
    )
