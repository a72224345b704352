import math
from dataclasses import replace

import numpy as np
import pytest

from detector.contracts.events import Act
from detector.decision.reasons import expected_instead, reasons_for
from detector.evidence import TERMS
from detector.household.sessions import observe
from detector.household.state import MAX_TURNS, HouseholdState, Session
from tests.detector.builders import dialogue, policy, small_model
from tests.detector.moments import send

MODEL = small_model()
POLICY = policy()
SEND = "messages.SendMessage"
NAMES = [term.name for term in TERMS]


def weighed(**bits: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([bits.get(name, 0.0) for name in NAMES])


def test_the_three_strongest_terms_are_reasons_in_order() -> None:
    chosen = dict(zip(NAMES[:5], (1.0, 4.0, 0.6, 2.0, -9.0), strict=True))
    moment = send()
    values = np.array([term.value(moment) for term in TERMS])
    reasons = reasons_for(moment, values, weighed(**chosen))
    assert [(reason.code, reason.bits) for reason in reasons] == [
        (NAMES[1], 4.0),
        (NAMES[3], 2.0),
        (NAMES[0], 1.0),
    ]
    for reason in reasons:
        assert reason.event_id == moment.event.event_id
        assert reason.text[0].isupper()
        assert reason.text.endswith(".")
        assert "{" not in reason.text


def test_weak_contributions_are_not_reasons() -> None:
    moment = send()
    values = np.array([term.value(moment) for term in TERMS])
    assert len(reasons_for(moment, values, weighed(chain_bits=1.0, first_bits=0.49))) == 1
    assert len(reasons_for(moment, values, weighed(chain_bits=1.0, first_bits=0.5))) == 2


def test_an_interruption_always_has_a_reason() -> None:
    """Many small contributions can lead to a question; its reason is then the strongest of them."""
    moment = send()
    values = np.array([term.value(moment) for term in TERMS])
    contributions = np.full(len(TERMS), 0.3)
    contributions[NAMES.index("returns")] = 0.4
    assert [reason.code for reason in reasons_for(moment, values, contributions)] == ["returns"]


def test_a_missing_value_is_reported_as_missing() -> None:
    moment = send()
    values = np.full(len(TERMS), math.nan)
    (reason,) = reasons_for(moment, values, weighed(wake_confidence=3.0))
    assert "missing" in reason.text
    assert "nan" not in reason.text


def test_a_silent_term_is_not_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tuple(
        replace(term, sentences=None) if term.name == "chain_bits" else term for term in TERMS
    )
    monkeypatch.setattr("detector.decision.reasons.TERMS", silent)
    moment = send()
    values = np.array([term.value(moment) for term in TERMS])
    contributions = weighed(chain_bits=5.0, first_bits=1.0)
    assert [each.code for each in reasons_for(moment, values, contributions)] == ["first_bits"]


def session_of(*turns: tuple[str, Act, bool]) -> tuple[Session, tuple[float, ...]]:
    state, session = HouseholdState.new("h1"), None
    bits: tuple[float, ...] = ()
    for event in dialogue(*turns):
        observation, state = observe(state, event, MODEL, POLICY, at=event.seconds)
        session, bits = observation.session, observation.chain.bits if observation.chain else ()
        state = replace(state, sessions=(session,))
    assert session is not None
    return session, bits


def test_expected_events_are_the_models_predictions_at_that_position() -> None:
    # After "send message" and a contact, the model expects "affirm"; instead, a song begins.
    turns = [(SEND, Act.INITIATE, False), (SEND, Act.INFORM, False), (SEND, Act.DECLINE, True)]
    session, bits = session_of(*turns)
    assert int(np.argmax(bits)) == 2
    likeliest = expected_instead(MODEL, session, bits)[0]
    assert (likeliest.intent, likeliest.act) == (SEND, "affirm")
    assert likeliest.probability > 0.5


def test_expected_events_are_known_ones_and_the_likeliest_first() -> None:
    session, bits = session_of((SEND, Act.AFFIRM, True))
    expected = expected_instead(MODEL, session, bits)
    probabilities = [one.probability for one in expected]
    assert len(expected) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1.0
    assert all((one.intent, one.act) in MODEL.vocabulary.symbols for one in expected)
    assert {(one.intent, one.act) for one in expected} >= {
        (SEND, "initiate"),
        ("music.FindSongs", "initiate"),
    }


@pytest.mark.parametrize(
    ("strange", "expected"),
    [(0, ("music.PlaySong", "initiate")), (1, (SEND, "inform")), (2, (SEND, "affirm"))],
)
def test_the_position_is_that_of_the_most_surprising_turn(
    strange: int, expected: tuple[str, str]
) -> None:
    turns = [
        ("music.FindSongs", Act.INITIATE, False),
        (SEND, Act.INITIATE, False),
        (SEND, Act.INFORM, False),
        (SEND, Act.AFFIRM, True),
    ]
    session, _ = session_of(*turns)
    bits = tuple(50.0 if place == strange else 1.0 for place in range(3))
    likeliest = expected_instead(MODEL, session, bits)[0]
    assert (likeliest.intent, likeliest.act) == expected


def test_conversation_inside_a_chain_does_not_move_the_position() -> None:
    turns = [
        (SEND, Act.INITIATE, False),
        ("conversation.Hello", Act.INITIATE, False),
        (SEND, Act.INFORM, False),
        (SEND, Act.DECLINE, True),
    ]
    session, bits = session_of(*turns)
    # The last turn is made the most surprising one; the model's expectation must follow a contact.
    bits = (*bits[:-1], 99.0)
    assert expected_instead(MODEL, session, bits)[0].act == "affirm"


@pytest.mark.parametrize("turns", [MAX_TURNS - 1, MAX_TURNS, MAX_TURNS + 40])
@pytest.mark.parametrize("strange", [0, -1])
def test_a_long_session_is_explained_from_its_kept_turns(turns: int, strange: int) -> None:
    session, bits = session_of(
        *[(SEND, Act.INITIATE, False)],
        *[(SEND, Act.INFORM, False)] * turns,
        (SEND, Act.AFFIRM, True),
    )
    surprising = [1.0] * len(bits)
    surprising[strange] = 50.0
    assert len(expected_instead(MODEL, session, tuple(surprising))) == 3
