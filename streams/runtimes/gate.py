"""The gate of an adapter: what a runtime heard goes in, and what the runtime does next comes out.

Adapters share this module. It makes the event of a command, asks the hook, and turns the verdict
into one of three actions. ``Gate`` never raises: if anything fails, the policy's rule decides.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from detector.contracts.confirmations import PROVEN, ConfirmationResult, Result, proof_of
from detector.contracts.decisions import ConfirmMethod, Decision, Verdict
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.policy.fallback import fallback_decision
from detector.policy.policy import Policy
from streams.files.policy import read_policy
from streams.hook.calls import warn
from streams.hook.interface import AskingHook
from streams.runtimes.heard import SILENCE_SECONDS, Events, Heard
from streams.runtimes.replies import is_pin

__all__ = ["Action", "Gate", "Heard", "Ruling"]

#: What the user hears when a command does not run.
REFUSAL = "I did not do that, because it may not have been meant."
NO_ANSWER = "I did not do that, because it was not confirmed."


class Action(StrEnum):
    """What a runtime does with a command."""

    RUN = "run"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the runtime does next, what it says to the user, and the decision behind it.

    ``method`` is how to ask if the action is ``ask``.
    """

    action: Action
    event: IntentEvent
    decision: Decision
    say: str = ""
    method: ConfirmMethod | None = None


class Gate:
    """Decides what a runtime does with each command. Threads can share it.

    Args:
        hook: a ``Hook`` or an ``EmbeddedHook``, with the tokens that it needs.
        household: the household's id.
        runtime: the runtime's name, such as ``ovos``.
        methods: how this runtime can ask. A command that none of them is safe enough for is
            refused.
        pin: digits that confirm a command, checked here; adds ``pin`` to the methods.
        proof_key: the key for proofs, which PINs and phones need.
        silence_seconds: silence that ends a session, for runtimes without sessions.
        policy: the policy of fallback decisions; defaults to the packaged one.
        now: the clock, in the time zone of the home, because habits have local hours; defaults to
            the zone of this machine.
    """

    def __init__(
        self,
        hook: AskingHook,
        *,
        household: str = "home",
        runtime: str = "custom",
        methods: Sequence[ConfirmMethod] = (ConfirmMethod.SPOKEN, ConfirmMethod.CHALLENGE),
        pin: str = "",
        proof_key: bytes | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        policy: Policy | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._hook = hook
        self._events = Events(household, runtime, silence_seconds)
        known = (*methods, ConfirmMethod.PIN) if pin else methods
        self._methods = tuple(each for each in known if proof_key or each not in PROVEN)
        self._pin, self._proof_key = pin, proof_key
        self._policy = policy or read_policy()
        self._now = now

    def check(self, heard: Heard) -> Ruling:
        """Decide what to do with a command before it runs."""
        event = self._events.event(heard, self._now())
        try:
            decision = self._hook.decide(event)
            return self._ruling(event, decision)
        except Exception as error:  # noqa: BLE001 - a runtime's voice never depends on misfire
            warn("a command could not be checked (%s: %s)", type(error).__name__, error)
            text = f"The command could not be checked ({type(error).__name__})."
            return self._ruling(
                event,
                fallback_decision(event, self._policy, code="client_error", text=text),
            )

    def answer(self, ruling: Ruling, *, accepted: bool | None, said: str = "") -> Ruling:
        """Pass on the user's answer to a question; the result's action is never ``ask``.

        ``accepted`` is what the runtime understood; ``None`` is neither yes nor no, and the
        question then expires. ``said`` is the recognised text of a challenge or PIN. For a phone,
        the caller has checked the answer.
        """
        refusal = replace(ruling, action=Action.REFUSE, say=NO_ANSWER, method=None)
        method = ruling.method
        if ruling.action is not Action.ASK or method is None or ruling.decision.confirm is None:
            return refusal
        wrong = method is ConfirmMethod.PIN and self._pin and not is_pin(said, self._pin)
        if accepted is None or (accepted and wrong):
            return refusal
        try:
            result = self._hook.confirm(
                ruling.decision,
                method,
                accepted=accepted,
                proof=self._proof(ruling.decision.confirm.confirmation_id, method, accepted),
                said=said,
                heard=self._yes(ruling.event) if method is ConfirmMethod.SPOKEN else None,
            )
        except Exception as error:  # noqa: BLE001 - a fault never confirms
            warn("an answer could not be checked (%s)", type(error).__name__)
            return refusal
        if not accepted or not _confirms(result, ruling.decision):
            return replace(refusal, say=result.text or NO_ANSWER)
        return replace(ruling, action=Action.RUN, say="", method=None)

    def is_open(self, ruling: Ruling) -> bool:
        """Return whether the question of a ruling can still be answered."""
        asked = ruling.decision.confirm
        expires = asked.expires_at if asked else None
        return ruling.action is Action.ASK and (expires is None or self._now() <= expires)

    def same_command(self, ruling: Ruling, heard: Heard) -> bool:
        """Return whether a turn is about the command of a ruling, with the same slots."""
        event, asked = self._events.event(heard, self._now()), ruling.event
        return (event.household_id, event.intent, event.slots) == (
            asked.household_id,
            asked.intent,
            asked.slots,
        )

    def report(self, ruling: Ruling, outcome: OutcomeKind) -> None:
        """Report what happened to a command: executed, undone, or expired without an answer."""
        try:
            self._hook.report(
                Outcome(
                    event_id=ruling.event.event_id,
                    household_id=ruling.event.household_id,
                    outcome=outcome,
                    source=OutcomeSource.RUNTIME,
                    time=self._now(),
                )
            )
        except Exception as error:  # noqa: BLE001 - the command has already run, or has not
            warn("an outcome could not be reported (%s)", type(error).__name__)

    def _yes(self, event: IntentEvent) -> IntentEvent:
        """Return the turn in which the user affirmed a command."""
        return replace(
            event, event_id=uuid.uuid4().hex, time=self._now(), act=Act.AFFIRM, commits=True
        )

    def _proof(self, confirmation: str | None, method: ConfirmMethod, accepted: bool) -> str | None:
        if not accepted or method not in PROVEN or confirmation is None or not self._proof_key:
            return None
        return proof_of(self._proof_key, confirmation, method)

    def _ruling(self, event: IntentEvent, decision: Decision) -> Ruling:
        if decision.effective_verdict is Verdict.ALLOW:
            return Ruling(action=Action.RUN, event=event, decision=decision)
        asked = decision.confirm
        if decision.effective_verdict is Verdict.CONFIRM and asked and asked.confirmation_id:
            for method in asked.methods:
                if method in self._methods:
                    return Ruling(
                        action=Action.ASK,
                        event=event,
                        decision=decision,
                        say=asked.prompt,
                        method=method,
                    )
        return Ruling(action=Action.REFUSE, event=event, decision=decision, say=REFUSAL)


def _confirms(result: ConfirmationResult, decision: Decision) -> bool:
    asked = decision.confirm
    return (
        result.result is Result.CONFIRMED
        and asked is not None
        and result.confirmation_id == asked.confirmation_id
    )
