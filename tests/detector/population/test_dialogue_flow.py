"""The flow of dialogues is independent of their subject."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import Act
from detector.evidence import TERMS, Moment
from detector.population.dialogue_flow import Flow, FlowCounts, moves_of
from tests.detector.builders import dialogue
from tests.detector.moments import moments_of

FIND, PLAY = ("music.FindSongs", "initiate"), ("music.PlaySong", "affirm")
LIGHTS = ("lights.TurnOn", "initiate")
TURNS = st.lists(st.sampled_from((FIND, PLAY, LIGHTS, ("cars.Rent", "select"))), max_size=8)


def counted(*sessions: list[tuple[str, str]]) -> Flow:
    counts = FlowCounts()
    for session in sessions:
        counts.add(session)
    return counts.rates()


FLOW = counted(*[[FIND, PLAY]] * 8, [LIGHTS])


def value(name: str, moment: Moment) -> float:
    return next(term.value(moment) for term in TERMS if term.name == name)


def test_a_move_is_the_act_and_whether_it_stays_with_the_intent() -> None:
    assert moves_of([FIND, FIND, PLAY, LIGHTS]) == [
        "initiate first",
        "initiate intent",
        "affirm domain",
        "initiate other",
    ]


def test_trigrams_back_off_to_bigrams_worked_by_hand() -> None:
    # 9 of 9 sessions begin with this move; two moves were seen, and one stands for all others.
    pair = (9 + 2 / 3) / (9 + 2)
    first = (9 + 4 * pair) / (9 + 4)
    assert FLOW.bits(moves_of([FIND])) == [-math.log2(first)]
    assert FLOW.bits(moves_of([FIND])) == FLOW.bits(
        moves_of([LIGHTS])
    )  # the domain does not matter


@given(TURNS)
def test_bits_are_finite_and_computed_incrementally(turns: list[tuple[str, str]]) -> None:
    moves = moves_of(turns)
    bits = FLOW.bits(moves)
    assert all(0.0 < each < 40.0 for each in bits)
    assert len(bits) == len(turns)
    assert FLOW.bits(moves[:-1]) == bits[:-1]


@given(TURNS)
def test_probabilities_of_the_next_move_sum_to_one(turns: list[tuple[str, str]]) -> None:
    """The known moves and the unseen move sum to one in every state."""
    before = moves_of(turns)
    nexts = ("initiate first", "affirm domain", "unheard of")
    assert sum(2.0 ** -FLOW.bits([*before, move])[-1] for move in nexts) == pytest.approx(1.0)


def test_the_terms_look_at_the_subject_and_at_what_came_before() -> None:
    (moment,) = moments_of(
        [
            dialogue(
                ("music.FindSongs", Act.INITIATE, False),
                ("messages.SendMessage", Act.INITIATE, False),
                ("messages.SendMessage", Act.INFORM, False),
                ("messages.SendMessage", Act.AFFIRM, True),
            )
        ]
    )
    assert len(moment.flow_bits) == 4
    moment = replace(moment, flow_bits=(5.0, 1.0, 4.0, 2.5))
    names = ("flow_first_bits", "flow_peak_bits", "flow_bits", "flow_mean_bits", "flow_before_bits")
    assert [value(name, moment) for name in names] == [1.0, 4.0, 7.5, 2.5, 5.0]


def test_an_opening_subject_is_conspicuous_within_a_conversation() -> None:
    begin = ("messages.SendMessage", Act.INITIATE, False)
    command = ("messages.SendMessage", Act.AFFIRM, True)
    (alone,) = moments_of([dialogue(begin, command)])
    (inside,) = moments_of([dialogue(("music.FindSongs", Act.INITIATE, False), begin, command)])
    assert value("opening_bits", alone) == value("opening_bits", inside)
    assert value("opening_lift", inside) == value("subject_first_bits", inside) - value(
        "opening_bits", inside
    )
    assert math.isnan(value("opening_lift", alone))
