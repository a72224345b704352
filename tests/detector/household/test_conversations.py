from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from detector.contracts.confirmations import Refusal, Result
from detector.contracts.decisions import Decision, Verdict
from detector.contracts.errors import InvalidValue
from detector.contracts.events import Act, IntentEvent
from detector.decision.answers import answer
from detector.decision.decide import decide
from detector.evaluation.playing import play
from detector.household.conversations import runtime_session_id, with_conversations
from detector.household.grouping import sessions_by_household
from detector.household.state import HouseholdState
from detector.policy.policy import Conversations
from detector.simulation.households import simulate
from tests.detector.builders import (
    CONFIRMATION_KEY,
    DOUBTFUL,
    START,
    dialogue,
    event,
    given_to,
    hand_bundle,
    heard,
    run,
    send_message,
)

BUNDLE = hand_bundle()
RULE = BUNDLE.policy.conversations
SEND = "messages.SendMessage"


def later(events: Sequence[IntentEvent], seconds: float, **fields: Any) -> list[IntentEvent]:
    return [
        replace(
            each,
            event_id=f"{each.event_id}-{seconds:g}",
            time=each.time + timedelta(seconds=seconds),
            **fields,
        )
        for each in events
    ]


def names(state: HouseholdState) -> list[str]:
    return [session.session_id for session in state.sessions]


@pytest.mark.parametrize(("silence", "conversations"), [(599.0, 1), (600.0, 2)])
def test_silence_ends_a_conversation_and_its_id_starts_a_new_one(
    silence: float, conversations: int
) -> None:
    first = send_message()
    _, state = run([*first, *later(first, 20 + silence)], BUNDLE)
    assert (
        len({pending.session_id for pending in state.pending} | set(names(state))) + state.learned
        == conversations
    )
    assert state.learned == conversations - 1


def test_silence_is_measured_by_the_logs_time() -> None:
    first = send_message()
    _, state = run(first, BUNDLE)
    at = first[-1].seconds
    ahead = later(first[:1], 7_200)[0]
    _, soon = decide(state, ahead, BUNDLE, at=at + 30)
    assert soon.sessions[-1].turns == 4
    behind = later(first[:1], -7_200)[0]
    decision, late = decide(state, behind, BUNDLE, at=at + 7_200)
    assert late.sessions[-1].turns == 1
    assert late.learned == 1
    assert decision.clock_replaced


def test_a_wrong_log_time_does_not_keep_a_conversation_open() -> None:
    first = send_message()
    _, state = run(first, BUNDLE)
    year = 365 * 86_400
    _, state = decide(state, later(first[:1], 1)[0], BUNDLE, at=first[-1].seconds + year)
    _, state = decide(state, later(first[:1], 40)[0], BUNDLE, at=first[-1].seconds + 40)
    _, state = decide(state, later(first[:1], 900)[0], BUNDLE, at=first[-1].seconds + 900)
    assert state.sessions[-1].turns == 1
    assert state.learned == 1


def test_a_long_conversation_ends_between_commands() -> None:
    talk = dialogue(*[("conversation.Thanks", Act.THANK, False)] * (RULE.turns - 1))
    _, state = run(talk, BUNDLE)
    asked = later(send_message(), 10 * RULE.turns)
    _, state = run(asked, BUNDLE, state)
    assert names(state) == ["s1"]
    _, state = run(later(send_message(), 10 * RULE.turns + 60), BUNDLE, state)
    assert names(state) == ["s1", "s1 2"]
    assert runtime_session_id("s1 2") == "s1"


def test_an_endless_command_also_ends_a_conversation() -> None:
    endless = dialogue((SEND, Act.INITIATE, False), *[(SEND, Act.INFORM, False)] * (2 * RULE.turns))
    _, state = run(endless, BUNDLE)
    assert max(session.turns for session in state.sessions) == 2 * RULE.turns


def test_two_devices_with_the_same_id_are_two_conversations() -> None:
    kitchen, attic = send_message(), later(send_message(), 5, device_id="attic")
    mixed = sorted([*kitchen, *attic], key=lambda each: each.time)
    apart, state = run(mixed, BUNDLE)
    assert names(state) == ["s1", "s1 2"]
    alone, _ = run(kitchen, BUNDLE)
    assert [each.event_bits for each in apart if not each.event_id.endswith("-5")] == [
        each.event_bits for each in alone
    ]
    assert {each.session_id for each in apart} == {"s1"}


def test_an_unconfirmed_command_affects_its_own_conversation_only() -> None:
    (*_, asked), state = run(heard(send_message(), DOUBTFUL), BUNDLE)
    assert asked.verdict is Verdict.CONFIRM
    (*_, soon), _ = run(later(send_message(contact="k1_b"), 30), BUNDLE, state)
    assert soon.verdict is not Verdict.ALLOW
    (*_, anew), _ = run(later(send_message(contact="k1_b"), 1_000), BUNDLE, state)
    assert anew.verdict is Verdict.ALLOW
    right = dialogue((SEND, Act.AFFIRM, True), first=90)
    (alone,), _ = run(later(right, 1_000), BUNDLE, state)
    assert alone.reasons[0].code == "awaiting_confirmation"


@pytest.mark.parametrize("session_id", ["default", ""])
def test_an_answer_finds_its_question_in_a_conversation_with_a_reused_id(session_id: str) -> None:
    first = [replace(each, session_id=session_id) for each in send_message()]
    _, state = run(first, BUNDLE)
    again = heard(later(first, 40, device_id="attic", session_id=session_id), DOUBTFUL)
    (*_, asked), state = run(again, BUNDLE, state)
    given = given_to(asked, time=again[-1].time)
    assert given.session_id == asked.session_id == again[-1].session_id

    result, _ = answer(state, given, BUNDLE, at=again[-1].seconds + 5, key=CONFIRMATION_KEY)
    assert (result.result, result.reason) == (Result.CONFIRMED, None)
    other = replace(given, session_id="elsewhere")
    assert (
        answer(state, other, BUNDLE, at=again[-1].seconds + 5, key=CONFIRMATION_KEY)[0].reason
        is Refusal.OTHER_SESSION
    )


def test_a_missing_session_id_defaults_to_the_devices_own() -> None:
    values: dict[str, Any] = {
        "event_id": "e",
        "time": START,
        "household_id": "h1",
        "intent": SEND,
        "act": Act.ASK,
        "commits": False,
    }
    kitchen, again, attic = (
        IntentEvent(**values, device_id=name) for name in ("kitchen", "kitchen", "attic")
    )
    assert kitchen.session_id == again.session_id != attic.session_id
    assert "kitchen" not in kitchen.session_id
    with pytest.raises(InvalidValue, match="session_id"):
        event(1, session_id="two words")


def test_a_stream_is_split_as_the_household_splits_it() -> None:
    first = send_message()
    stream = [
        *first,
        *later(first, 100),
        *later(first, 1_000),
        *later(first, 1_000, device_id="attic"),
    ]
    found = [number for _, (_, _, number) in with_conversations(stream, Conversations())]
    assert found == [1] * 6 + [2] * 3 + [1] * 3
    assert [len(each) for each in sessions_by_household(stream)["h1"]] == [6, 3, 3]


def test_a_constant_session_id_teaches_as_much_as_distinct_ids() -> None:
    """OVOS always sends "default"; without an end to the session, nothing would be learned."""
    town = simulate(8, 10, seed=5)
    learned: dict[bool, dict[str, HouseholdState]] = {}
    decided: dict[bool, list[Decision]] = {}
    for default in (False, True):
        states: dict[str, HouseholdState] = {}
        decided[default] = []
        for each in town.events:
            said = replace(each, session_id="default") if default else each
            state = states.get(said.household_id) or HouseholdState.new(said.household_id)
            decision, states[said.household_id] = decide(state, said, BUNDLE, at=said.seconds)
            decided[default].append(decision)
        learned[default] = states
    for household, state in learned[False].items():
        same = learned[True][household]
        assert same.learned >= 0.85 * state.learned > 0
        assert same.domains.keys() == state.domains.keys()
    verdicts = [[each.verdict for each in decided[default]] for default in (False, True)]
    assert sum(one is other for one, other in zip(*verdicts, strict=True)) > 0.99 * len(town.events)


def test_a_replayed_stream_with_one_session_id_finds_the_meant_commands() -> None:
    stream = [each for day in range(3) for each in later(heard(send_message(), 0.9), 86_400 * day)]
    undone = {stream[2].event_id}
    assert len(list(play(stream, BUNDLE, undone))) == len(stream)
