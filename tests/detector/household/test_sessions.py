from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from detector.contracts.events import Act, IntentEvent
from detector.contracts.standing import Standing
from detector.household.learning import dropped_sessions, token
from detector.household.sessions import observe, remember
from detector.household.state import MAX_KNOWN_SLOTS, MAX_SESSIONS, MAX_TURNS, HouseholdState
from tests.detector.builders import START, dialogue, event, policy, send_message, small_model

MODEL = small_model()
POLICY = policy()
WINDOW = POLICY.undo_window_seconds
SEND = "messages.SendMessage"


def through(events: list[IntentEvent], state: HouseholdState | None = None) -> HouseholdState:
    state = state or HouseholdState.new("h1")
    for each in events:
        observation, state = observe(state, each, MODEL, POLICY, at=each.seconds)
        state = remember(state, each, observation, at=each.seconds)
    return state


def test_a_sessions_bits_are_the_sequence_models() -> None:
    state, found = HouseholdState.new("h1"), []
    for each in send_message():
        observation, state = observe(state, each, MODEL, POLICY, at=each.seconds)
        found.append(observation.bits)
        state = remember(state, each, observation, at=each.seconds)
    symbols = [MODEL.vocabulary.index(each.intent, each.act) for each in send_message()]
    assert found == pytest.approx(MODEL.sequence.surprisals(symbols), abs=1e-5)


def test_sessions_are_kept_apart() -> None:
    ours, theirs = send_message(), send_message(first=10, session="s2")
    interleaved = [each for pair in zip(ours, theirs, strict=True) for each in pair]
    mixed, apart = through(interleaved), through([*ours, *theirs])
    assert {s.session_id: s for s in mixed.sessions} == {s.session_id: s for s in apart.sessions}


def test_observe_does_not_change_the_stored_state() -> None:
    state = through(send_message()[:2])
    _, after = observe(state, send_message()[2], MODEL, POLICY, at=send_message()[2].seconds)
    assert after == state


def test_a_commit_ends_the_chain_and_waits_for_its_outcome() -> None:
    state = through(send_message())
    (session,) = state.sessions
    (pending,) = state.pending
    assert session.chain is None
    assert session.committed == (SEND,)
    assert (pending.event_id, pending.intent, pending.session_id) == ("e2", SEND, "s1")
    assert (pending.tokens, pending.standing) == ((token("contact", "k1_a44e"),), Standing.ALLOWED)


def test_a_session_that_is_quiet_for_the_undo_window_is_forgotten_when_another_begins() -> None:
    first = through(send_message())
    last = first.sessions[0].seconds
    inside = event(
        50, session_id="s2", time=START + timedelta(seconds=last - START.timestamp() + WINDOW - 1)
    )
    outside = replace(inside, time=inside.time + timedelta(seconds=1))
    assert [session.session_id for session in through([inside], first).sessions] == ["s1", "s2"]
    assert [session.session_id for session in through([outside], first).sessions] == ["s2"]


@pytest.mark.parametrize("days", [-1, -365, 365])
def test_a_devices_clock_does_not_affect_sessions(days: int) -> None:
    late = through(send_message())
    wrong = event(90, time=START + timedelta(days=days), act=Act.INFORM)
    observation, _ = observe(late, wrong, MODEL, POLICY, at=late.sessions[0].seconds + 5)
    assert observation.clock_replaced
    assert (
        observation.session.seconds
        == observation.session.device_seconds
        == late.sessions[0].seconds + 5
    )
    assert observation.session.turns == 4


@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_device_clock_is_used_within_the_policys_skew_and_only_for_habits(
    seconds: int,
) -> None:
    said, at = event(1, time=START + timedelta(seconds=seconds)), START.timestamp()
    observation, _ = observe(HouseholdState.new("h1"), said, MODEL, POLICY, at=at)
    assert not observation.clock_replaced
    assert (observation.session.seconds, observation.session.device_seconds) == (at, at + seconds)

    further = replace(said, time=START + timedelta(seconds=seconds * 1.01))
    observation, _ = observe(HouseholdState.new("h1"), further, MODEL, POLICY, at=at)
    assert observation.clock_replaced
    assert observation.session.device_seconds == at


@pytest.mark.parametrize("wrong", [0.0, 86_400.0])
def test_habits_have_local_hours_even_if_the_clock_is_wrong(wrong: float) -> None:
    at = START.timestamp()
    there = (START + timedelta(seconds=wrong)).astimezone(timezone(timedelta(hours=-5)))
    observation, _ = observe(HouseholdState.new("h1"), event(1, time=there), MODEL, POLICY, at=at)
    assert observation.clock_replaced == bool(wrong)
    assert observation.session.device_seconds == at - 5 * 3600


def test_a_session_is_bounded() -> None:
    turns = [
        (SEND, Act.INFORM, False, {f"slot{number}_{other}": "k1_x" for other in range(30)})
        for number in range(MAX_TURNS * 2 - 1)
    ]
    state = through(dialogue((SEND, Act.INITIATE, False), *turns))
    (session,) = state.sessions
    assert session.chain is not None
    assert session.turns == len(turns) + 1
    kept = (session.symbols, session.intents, session.chain.bits)
    assert [len(each) for each in kept] == [MAX_TURNS] * 3
    assert len(session.slots) <= MAX_TURNS
    assert len(session.chain.slots) <= MAX_TURNS


def test_the_earliest_slot_of_a_session_is_forgotten_beyond_the_bound() -> None:
    filling = [
        (SEND, Act.INFORM, False, {f"slot{number}": "k1_x"}) for number in range(MAX_KNOWN_SLOTS)
    ]
    said = (SEND, Act.INFORM, False, {"slot1": "k1_new", "one_too_many": "k1_x"})
    (session,) = through(dialogue((SEND, Act.INITIATE, False), *filling, said)).sessions
    assert len(session.slots) == MAX_KNOWN_SLOTS
    assert "slot0" not in session.slots
    assert (session.slots["slot1"], session.slots["one_too_many"]) == ("k1_new", "k1_x")


def test_the_latest_sessions_are_kept() -> None:
    events = [event(number, session_id=f"s{number}") for number in range(MAX_SESSIONS + 2)]
    kept = [session.session_id for session in through(events).sessions]
    assert kept == [f"s{number}" for number in range(2, MAX_SESSIONS + 2)]


@pytest.mark.parametrize(
    ("session", "seconds", "dropped"),
    [
        ("another", 100.0, 1),
        ("s0", 100.0, 0),  # goes on
        ("another", WINDOW, 0),  # the first one is closed, which makes room
        ("another", WINDOW + 3_600.0, 0),  # all are closed
    ],
)
def test_sessions_are_dropped_only_if_too_many_are_open(
    session: str, seconds: float, dropped: int
) -> None:
    full = through([event(number, session_id=f"s{number}") for number in range(MAX_SESSIONS)])
    last = event(99, session_id=session, time=START + timedelta(seconds=seconds))

    after = through([last], full)

    assert dropped_sessions(full, after, at=last.seconds, undo_window=WINDOW) == dropped
    assert dropped_sessions(after, after, at=last.seconds, undo_window=WINDOW) == 0


def test_events_are_counted() -> None:
    assert through(send_message()).events == 3


@pytest.mark.parametrize("act", list(Act))
def test_any_act_can_come_first(act: Act) -> None:
    assert through([event(act=act)]).sessions[0].turns == 1


def test_a_household_is_less_surprised_by_what_it_often_begins_with() -> None:
    state, found = HouseholdState.new("h1"), []
    for day in range(4):
        for each in send_message(first=10 * day, session=f"s{day}", days=day):
            observation, state = observe(state, each, MODEL, POLICY, at=each.seconds)
            found.append(observation.bits)
            state = remember(state, each, observation, at=each.seconds)
    first, rest = found[::3], [found[place : place + 3][1:] for place in range(0, 12, 3)]
    assert sorted(first, reverse=True) == first
    assert first[0] > first[-1]
    assert all(later == rest[0] for later in rest)


@pytest.mark.parametrize("meant", [(), (SEND,), ("ovens.Ignite",)])
def test_what_a_household_begins_with_is_a_distribution(meant: tuple[str, ...]) -> None:
    """This holds for everything that it learned, including a domain unknown to the model."""
    state = HouseholdState.new("h1")
    for day, intent in enumerate(meant):
        turn = dialogue((intent, Act.INITIATE, True), first=day, session=f"s{day}", days=day)
        state = through(turn, state)
    opening = dialogue(
        *((intent, Act(act), False) for intent, act in MODEL.vocabulary.symbols), first=50, days=9
    )
    alone = [
        replace(each, session_id=each.event_id)
        for each in (*opening, event(99, intent="ovens.Ignite"))
    ]
    shares = [
        2.0 ** -observe(state, each, MODEL, POLICY, at=each.seconds)[0].bits for each in alone
    ]
    assert sum(shares) == pytest.approx(1.0)
