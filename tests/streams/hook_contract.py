"""The contract of every hook: a test module of a hook subclasses ``HookContract``.

The fixture ``hook`` decides with ``hand_bundle()`` and checks proofs with ``CONFIRMATION_KEY``.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from detector.contracts.confirmations import Refusal, Result, proof_of
from detector.contracts.decisions import ConfirmMethod, Decision, Rung, Verdict
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.household.state import HouseholdState
from streams.hook import CommandHook, RejectedEvent
from tests.detector.builders import (
    ABSURD,
    CONFIRMATION_KEY,
    DOUBTFUL,
    SURE,
    event,
    hand_bundle,
    heard,
    run,
    send_message,
)


def fresh(confidence: float) -> list[IntentEvent]:
    """Return the three turns of a message, sent now by a household of its own."""
    household, begin = uuid.uuid4().hex, datetime.now(UTC)
    return [
        replace(
            each,
            event_id=f"{household}-{number}",
            household_id=household,
            time=begin + timedelta(milliseconds=number),
        )
        for number, each in enumerate(heard(send_message(), confidence))
    ]


def decided(hook: CommandHook, events: list[IntentEvent]) -> Decision:
    """Return the decision on the last event."""
    return [hook.decide(each) for each in events][-1]


def proof(decision: Decision) -> str:
    assert decision.confirm is not None
    assert decision.confirm.confirmation_id is not None
    return proof_of(CONFIRMATION_KEY, decision.confirm.confirmation_id, ConfirmMethod.PIN)


def happened(decision: Decision, kind: OutcomeKind) -> Outcome:
    return Outcome(
        event_id=decision.event_id,
        household_id=decision.household_id,
        outcome=kind,
        source=OutcomeSource.RUNTIME,
        time=datetime.now(UTC),
    )


class HookContract:
    """The same events give the same decisions, questions and refusals with every hook."""

    @pytest.mark.parametrize("confidence", [SURE, ABSURD])
    def test_every_event_gets_the_decision_of_the_core(
        self, hook: CommandHook, confidence: float
    ) -> None:
        events = fresh(confidence)
        wanted, _ = run(events, hand_bundle(), HouseholdState.new(events[0].household_id))
        assert [hook.decide(each) for each in events] == wanted
        assert {each.rung for each in wanted} == {Rung.WORKER}

    def test_a_repeated_event_gets_its_first_decision(self, hook: CommandHook) -> None:
        events = fresh(DOUBTFUL)
        first = decided(hook, events)
        assert [hook.decide(events[-1]) for _ in range(2)] == [first, first]

    def test_an_id_of_another_event_is_rejected(self, hook: CommandHook) -> None:
        events = fresh(SURE)
        decided(hook, events)
        with pytest.raises(RejectedEvent, match="belongs to another event"):
            hook.decide(replace(events[-1], device_id="another"))

    def test_spoken_values_are_rejected(self, hook: CommandHook) -> None:
        with pytest.raises(RejectedEvent, match="slots"):
            hook.decide(event(slots={"contact": "Ann"}))
        with pytest.raises(RejectedEvent, match="IntentEvent"):
            hook.decide("e1")  # type: ignore[arg-type]

    def test_a_proven_yes_confirms_once(self, hook: CommandHook) -> None:
        asked = decided(hook, fresh(DOUBTFUL))
        assert asked.verdict is Verdict.CONFIRM
        forged = hook.confirm(asked, ConfirmMethod.PIN, proof="0" * 64)
        changed = hook.confirm(
            asked, ConfirmMethod.PIN, proof=proof(asked), slots={"contact": "k1_0bad"}
        )
        done = hook.confirm(asked, ConfirmMethod.PIN, proof=proof(asked))
        again = hook.confirm(asked, ConfirmMethod.PIN, proof=proof(asked))
        assert (done.result, done.event_id) == (Result.CONFIRMED, asked.event_id)
        assert [each.reason for each in (forged, changed, again)] == [
            Refusal.PROOF_WRONG,
            Refusal.CHANGED_SLOTS,
            Refusal.ALREADY_ANSWERED,
        ]

    def test_a_challenge_is_confirmed_by_its_words(self, hook: CommandHook) -> None:
        asked = decided(hook, fresh(DOUBTFUL))
        assert asked.confirm is not None
        wrong = hook.confirm(asked, ConfirmMethod.CHALLENGE, said="yes")
        words = " ".join(asked.confirm.challenge)
        done = hook.confirm(asked, ConfirmMethod.CHALLENGE, said=f"It is {words}!")
        assert (wrong.reason, done.result) == (Refusal.WRONG_WORDS, Result.CONFIRMED)

    def test_a_question_belongs_to_its_household(self, hook: CommandHook) -> None:
        asked, other = decided(hook, fresh(DOUBTFUL)), fresh(DOUBTFUL)
        decided(hook, other)
        moved = replace(asked, household_id=other[0].household_id)
        result = hook.confirm(moved, ConfirmMethod.PIN, proof=proof(asked))
        assert result.reason is Refusal.OTHER_HOUSEHOLD

    def test_a_no_blocks_the_repeated_command(self, hook: CommandHook) -> None:
        events = fresh(DOUBTFUL)
        asked = decided(hook, events)
        denied = hook.confirm(asked, ConfirmMethod.PIN, accepted=False)
        again = decided(
            hook,
            [replace(each, event_id=f"{each.event_id}-again") for each in events],
        )
        assert denied.result is Result.DENIED
        assert (again.verdict, again.reasons[0].code) == (Verdict.BLOCK, "denied_before")

    def test_a_decision_that_asks_nothing_cannot_be_answered(self, hook: CommandHook) -> None:
        allowed = decided(hook, fresh(SURE))
        assert allowed.verdict is Verdict.ALLOW
        with pytest.raises(RejectedEvent, match="asks nothing"):
            hook.confirm(allowed, ConfirmMethod.PIN)

    def test_outcomes_are_applied_or_refused_by_the_table(self, hook: CommandHook) -> None:
        allowed, asked = decided(hook, fresh(SURE)), decided(hook, fresh(DOUBTFUL))
        assert hook.report(happened(allowed, OutcomeKind.EXECUTED)) is True
        assert hook.report(happened(allowed, OutcomeKind.UNDONE)) is True
        assert hook.report(happened(asked, OutcomeKind.CONFIRMED)) is False
        with pytest.raises(RejectedEvent, match="Outcome"):
            hook.report(allowed)  # type: ignore[arg-type]

    def test_a_closed_hook_can_be_used_again(self, hook: CommandHook) -> None:
        events = fresh(DOUBTFUL)
        first = decided(hook, events)
        hook.close()
        assert hook.decide(events[-1]) == first

    def test_one_shot_commands_are_judged(self, hook: CommandHook) -> None:
        one = replace(fresh(ABSURD)[0], commits=True, act=Act.INITIATE)
        decision = hook.decide(one)
        assert decision.verdict is Verdict.BLOCK
        assert decision.misfire_probability is not None
