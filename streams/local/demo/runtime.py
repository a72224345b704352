"""The stories' assistant runtime: calls the hook before it runs a command and reports outcomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from detector.contracts.confirmations import PROVEN, Result, proof_of
from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind, OutcomeSource
from streams.hook import Hook

__all__ = ["DEFAULT_DEADLINE_MS", "HookCall", "Runtime"]

#: The hook's default deadline.
DEFAULT_DEADLINE_MS = 150
#: The deadline of stories that are not about deadlines: the embedded broker pauses for up to .1 s.
_PATIENT_DEADLINE_MS = 3_000


@dataclass(frozen=True, slots=True)
class HookCall:
    """One event, the hook's decision on it, and how many milliseconds the call took."""

    event: IntentEvent
    decision: Decision
    milliseconds: float


class Runtime:
    """A voice assistant, reduced to its use of the hook.

    Args:
        url: the gateway's address.
        show: called after each answer.
        key: the key for proofs of confirmations.
    """

    def __init__(self, url: str, show: Callable[[HookCall], None], key: bytes) -> None:
        self.show = show
        self._key = key
        self.calls: list[HookCall] = []
        self._hooks = {
            ms: Hook(url, deadline_ms=ms) for ms in (DEFAULT_DEADLINE_MS, _PATIENT_DEADLINE_MS)
        }

    def say(self, event: IntentEvent, *, deadline_ms: int = _PATIENT_DEADLINE_MS) -> HookCall:
        """Pass one turn to the hook."""
        began = time.perf_counter()
        decision = self._hooks[deadline_ms].decide(event)
        call = HookCall(event, decision, 1000 * (time.perf_counter() - began))
        self.calls.append(call)
        self.show(call)
        return call

    def converse(self, events: Sequence[IntentEvent]) -> HookCall:
        """Pass a dialogue to the hook and return the call for the turn that commits."""
        calls = [self.say(event) for event in events]
        return next(call for call in reversed(calls) if call.event.commits)

    def carry_out(self, call: HookCall, *, confirmed: bool) -> bool:
        """Run the command if it is allowed, or after a confirmation if ``confirmed`` is true.

        Return whether it ran.
        """
        verdict = call.decision.effective_verdict
        ran = verdict is Verdict.ALLOW or (
            confirmed and verdict is Verdict.CONFIRM and self.confirm(call.event, call.decision)
        )
        self.report(call.event, OutcomeKind.EXECUTED if ran else OutcomeKind.EXPIRED)
        return ran

    def confirm(self, event: IntentEvent, decision: Decision) -> bool:
        """Answer a question with yes, by a method with a proof if one is offered.

        Return whether the answer was accepted.
        """
        question = decision.confirm
        if question is None or question.confirmation_id is None:
            return False
        method = next((way for way in question.methods if way in PROVEN), question.methods[0])
        result = self._hooks[_PATIENT_DEADLINE_MS].confirm(
            decision,
            method,
            proof=proof_of(self._key, question.confirmation_id, method),
            said=" ".join(question.challenge),
            heard=replace(event, event_id=f"{event.event_id}-yes", act=Act.AFFIRM, commits=False),
        )
        return result.result is Result.CONFIRMED

    def report(self, event: IntentEvent, kind: OutcomeKind) -> None:
        """Report the outcome of a command."""
        outcome = Outcome(
            event_id=event.event_id,
            household_id=event.household_id,
            outcome=kind,
            source=OutcomeSource.RUNTIME,
            time=event.time,
        )
        self._hooks[_PATIENT_DEADLINE_MS].report(outcome)

    def close(self) -> None:
        """Close the connections."""
        for hook in self._hooks.values():
            hook.close()
