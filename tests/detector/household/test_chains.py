from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import CONVERSATION, Act, IntentEvent
from detector.household.chains import MOVES, Move, extend, move
from detector.household.state import Chain
from tests.detector.builders import dialogue, event, send_message

SEND = "messages.SendMessage"
THANKS = "conversation.Thanks"


def follow(events: list[IntentEvent]) -> list[Chain | None]:
    """Return the chain after each event; the bits of an event are its number."""
    chain: Chain | None = None
    known: dict[str, str] = {}
    chains = []
    for turn, each in enumerate(events):
        chain = extend(chain, each, turn=turn, bits=float(turn), known=known)
        chains.append(chain)
        known |= each.slots
        chain = None if each.commits else chain
    return chains


def test_the_table_is_complete() -> None:
    assert set(MOVES) == set(product((False, True), Act))


@pytest.mark.parametrize(("key", "found"), MOVES.items(), ids=str)
def test_the_table_decides_within_one_intent(key: tuple[bool, Act], found: Move) -> None:
    is_open, act = key
    chain = Chain(intent=SEND, act="initiate", start=0, bits=(1.0,)) if is_open else None
    assert move(chain, event(intent=SEND, act=act)) is found


@pytest.mark.parametrize(("is_open", "act"), list(MOVES), ids=str)
@pytest.mark.parametrize("intent", [SEND, "lights.TurnOn"])
def test_a_committing_event_always_belongs_to_a_chain_of_its_intent(
    is_open: bool, act: Act, intent: str
) -> None:
    chain = Chain(intent=SEND, act="initiate", start=0, bits=(1.0,)) if is_open else None
    committing = event(intent=intent, act=act, commits=True)
    extended = extend(chain, committing, turn=1, bits=2.0, known={})
    assert extended is not None
    assert extended.intent == intent
    assert extended.bits[-1] == 2.0


@pytest.mark.parametrize("act", Act)
def test_conversation_never_starts_a_chain(act: Act) -> None:
    turn = event(intent=f"{CONVERSATION}.Talk", act=act)
    assert extend(None, turn, turn=0, bits=1.0, known={}) is None
    chain = Chain(intent=SEND, act="initiate", start=0, bits=(1.0,))
    after = extend(chain, turn, turn=1, bits=1.0, known={})
    assert after is None or after.intent == SEND


def test_portland_is_one_chain_of_three_events() -> None:
    chain = follow(send_message())[-1]
    assert chain is not None
    assert (chain.intent, chain.act, chain.start) == (SEND, "initiate", 0)
    assert chain.bits == (0.0, 1.0, 2.0)
    assert chain.slots == {"contact": "k1_a44e"}


def test_a_reservation_after_a_search_begins_at_the_reservation() -> None:
    events = dialogue(
        ("restaurants.FindTable", Act.INITIATE, False, {"city": "k1_a"}),
        ("restaurants.FindTable", Act.SELECT, False, {"name": "k1_b"}),
        ("restaurants.ReserveTable", Act.INITIATE, False),
        ("restaurants.ReserveTable", Act.INFORM, False, {"time": "k1_c"}),
        ("restaurants.ReserveTable", Act.AFFIRM, True),
    )
    chain = follow(events)[-1]
    assert chain is not None
    assert (chain.intent, chain.start, chain.bits) == (
        "restaurants.ReserveTable",
        2,
        (2.0, 3.0, 4.0),
    )
    assert chain.slots == {"time": "k1_c"}


def test_a_change_of_intent_starts_a_chain_whatever_the_act() -> None:
    events = dialogue(
        ("restaurants.FindTable", Act.INITIATE, False),
        ("restaurants.ReserveTable", Act.SELECT, False),
        ("restaurants.ReserveTable", Act.AFFIRM, True),
    )
    chain = follow(events)[-1]
    assert chain is not None
    assert (chain.act, chain.start, chain.bits) == ("select", 1, (1.0, 2.0))


def test_a_one_shot_command_is_a_chain_of_one() -> None:
    (chain,) = follow([event(intent="lights.TurnOn", act=Act.INITIATE, commits=True)])
    assert chain is not None
    assert (chain.intent, chain.start, chain.bits) == ("lights.TurnOn", 0, (0.0,))


@pytest.mark.parametrize("act", [Act.THANK, Act.END])
def test_thanks_and_goodbye_close_the_chain(act: Act) -> None:
    events = dialogue((SEND, Act.INITIATE, False), (THANKS, act, False), (SEND, Act.AFFIRM, True))
    first, closed, late = follow(events)
    assert first is not None
    assert closed is None
    assert late is not None
    assert (late.act, late.start) == ("affirm", 2)


def test_a_commit_without_a_chain_is_a_chain_of_its_own() -> None:
    (chain,) = follow([event(intent=SEND, act=Act.AFFIRM, commits=True)])
    assert chain is not None
    assert (chain.act, chain.bits) == ("affirm", (0.0,))


def test_a_commit_of_another_intent_starts_its_own_chain() -> None:
    events = dialogue(
        ("calls.PlaceCall", Act.INITIATE, False, {"contact": "k1_a"}),
        ("shopping.BuyItem", Act.AFFIRM, True, {"item": "k1_b"}),
    )
    chain = follow(events)[-1]
    assert chain is not None
    assert (chain.intent, chain.start, chain.slots) == ("shopping.BuyItem", 1, {"item": "k1_b"})


def test_a_new_initiate_starts_a_new_chain() -> None:
    events = dialogue((SEND, Act.INITIATE, False, {"contact": "k1_a"}), (SEND, Act.INITIATE, False))
    chain = follow(events)[-1]
    assert chain is not None
    assert (chain.start, chain.bits, chain.slots) == (1, (1.0,), {})


def test_denials_outside_a_chain_are_ignored() -> None:
    events = dialogue((SEND, Act.DENY, False), (SEND, Act.DECLINE, False), (SEND, Act.THANK, False))
    assert follow(events) == [None, None, None]


def test_repeated_and_conflicting_slots_are_counted() -> None:
    events = dialogue(
        ("contacts.Find", Act.INITIATE, False, {"contact": "k1_a"}),
        (SEND, Act.INITIATE, False, {"contact": "k1_b"}),
        (SEND, Act.INFORM, False, {"contact": "k1_b", "text": "k1_t"}),
        (SEND, Act.INFORM, False, {"contact": "k1_c"}),
    )
    chain = follow(events)[-1]
    assert chain is not None
    # The chain names contact again twice. Its token differs from the session's latest one at the
    # second and at the fourth turn.
    assert (chain.repeated, chain.conflicts) == (2, 2)
    assert chain.slots == {"contact": "k1_c", "text": "k1_t"}


def test_known_confidences_are_kept_and_missing_ones_are_ignored() -> None:
    first, second, third = send_message()
    events = [
        replace(first, wake_confidence=0.4, asr_confidence=None),
        replace(second, wake_confidence=None, asr_confidence=0.9),
        replace(third, wake_confidence=0.6, asr_confidence=0.7),
    ]
    chain = follow(events)[-1]
    assert chain is not None
    assert (chain.wake_confidences, chain.asr_confidences, chain.intent_confidences) == (
        (0.4, 0.6),
        (0.9, 0.7),
        (),
    )


TURNS = st.builds(
    event,
    intent=st.sampled_from([SEND, "lights.TurnOn", THANKS]),
    act=st.sampled_from(Act),
    commits=st.booleans(),
    slots=st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"])),
)


@given(st.lists(TURNS, max_size=12))
def test_a_chain_has_one_intent_apart_from_conversation(events: list[IntentEvent]) -> None:
    for end, chain in enumerate(follow(events)):
        if chain is None:
            continue
        turns = events[chain.start : end + 1]
        assert {turn.intent for turn in turns} <= {chain.intent, THANKS}
        assert turns[0].act.value == chain.act
        assert 1 <= len(chain.bits) <= len(turns)
