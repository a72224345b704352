"""Every term passes the conformance checks; tests of single terms do not pin trained numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest

from detector.contracts.events import Act
from detector.evidence import TERMS, Moment, Term, evidence
from detector.evidence.conformance import check_term
from detector.household.learning import token
from detector.household.state import HouseholdState, Session, Usage
from detector.population.slot_pairs import Coherence
from tests.detector.builders import SURE, dialogue, send_message
from tests.detector.moments import every_moment, moment_of, moments_of, send

SEND = "messages.SendMessage"
MOMENTS = every_moment()
BY_NAME = {term.name: term for term in TERMS}


def value(name: str, moment: Moment) -> float:
    return BY_NAME[name].value(moment)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_passes_the_battery(term: Term) -> None:
    check_term(term, MOMENTS)


def test_names_are_distinct() -> None:
    assert len(BY_NAME) == len(TERMS)


def test_evidence_is_every_term_in_order() -> None:
    moment = send(SURE)
    expected = [term.value(moment) for term in TERMS]
    np.testing.assert_array_equal(evidence(moment), expected)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_differs_between_moments(term: Term) -> None:
    """A constant term is not evidence."""
    assert len({str(term.value(moment)) for moment in [*MOMENTS, *rare_moments()]}) > 1


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_no_term_depends_on_the_number_of_sessions(term: Term) -> None:
    """The number of sessions reflects how a test was composed, so it must not affect any term.

    The two households differ in age alone: their last use is equally long ago, and their decayed
    counts are equal.
    """
    young, old = aged(20), aged(400)
    assert term.value(young) == pytest.approx(term.value(old), nan_ok=True)


def aged(sessions: int) -> Moment:
    used = Usage(count=3.0, session=sessions - 2)
    household = replace(
        HouseholdState.new("h1"),
        learned=sessions,
        events=sessions * 3,
        intents={SEND: used},
        domains={"messages": used},
        tokens=(token("contact", "k1_a44e"),),
        hours=(1.0,) * 16,
    )
    return replace(send(SURE), household=household)


def rare_moments() -> list[Moment]:
    """Return moments with rare properties."""
    talk = ("music.FindSongs", Act.INITIATE, False)
    said = (SEND, Act.INFORM, False, {"contact": "k1_b"})
    repeated = dialogue(
        (SEND, Act.INITIATE, False, {"contact": "k1_a"}), said, said, (SEND, Act.AFFIRM, True)
    )
    unsettled = replace(HouseholdState.new("h1"), novelty=0.7)
    return [
        odd_details(),
        *moments_of([repeated]),
        *moments_of([dialogue(talk, ("music.PlaySong", Act.AFFIRM, True))]),
        *moments_of(
            [
                dialogue(
                    talk,
                    ("lights.TurnOn", Act.INITIATE, False),
                    ("music.PlaySong", Act.AFFIRM, True),
                )
            ]
        ),
        *moments_of([dialogue(talk, (SEND, Act.INITIATE, True), (SEND, Act.INITIATE, True))]),
        replace(send(0.2), household=unsettled),
        aged(20),
    ]


def odd_details() -> Moment:
    """Return a moment whose slots rarely occur together or after the earlier ones.

    The household has two other habits.
    """
    odd = {"contact": {"subject": 5.0}}
    found = Coherence(
        apart={SEND: odd},
        across={"music.artist": {"messages.contact": 4.0}},
        left_out={SEND: {"contact": {"time": 3.0}}},
    )
    (moment,) = moments_of(
        [
            dialogue(
                ("music.FindSongs", Act.INITIATE, False, {"artist": "k1_414a"}),
                (SEND, Act.INFORM, False, {"contact": "k1_a", "subject": "k1_b"}),
                (SEND, Act.AFFIRM, True),
            )
        ]
    )
    uses = {
        name: Usage(count=count, session=1) for name, count in (("music", 3.0), ("lights", 1.0))
    }
    return replace(
        moment,
        population=replace(moment.population, coherence=found),
        household=replace(HouseholdState.new("h1"), learned=1, domains=uses),
    )


def test_unusual_slot_pairs_have_bits() -> None:
    moment = odd_details()
    for name, bits in (
        ("slots_apart_bits", 5.0),
        ("slots_apart_sum", 5.0),
        ("slot_left_out_bits", 3.0),
        ("earlier_apart_bits", 4.0),
        ("earlier_apart_sum", 4.0),
    ):
        assert value(name, moment) == bits
    assert math.isnan(value("earlier_apart_bits", send()))


def test_other_domains_are_counted_as_kept_or_tried() -> None:
    moment = odd_details()
    assert (value("kept_domains", moment), value("tried_domains", moment)) == (1.0, 1.0)


def test_an_unusual_subject_stands_out_among_usual_ones() -> None:
    """Messages are unusual in a household of music, but not in a guest's unusual conversation."""
    usual = odd_details()
    guest = replace(usual, household=HouseholdState.new("h1"))
    assert (
        value("company_bits", usual)
        == value("company_peak_bits", usual)
        < value("company_bits", guest)
    )
    assert value("stranger_bits", usual) == value("domain_bits", usual) - value(
        "company_bits", usual
    )
    assert value("stranger_bits", usual) > 2.0 > value("stranger_bits", guest)


def test_session_domain_terms_use_the_most_usual_and_the_rarest_other_domain() -> None:
    talk = dialogue(
        ("music.FindSongs", Act.INITIATE, False),
        ("lights.TurnOn", Act.INITIATE, False),
        ("conversation.Thanks", Act.THANK, False),
        (SEND, Act.INITIATE, True),
    )
    (moment,) = moments_of([talk])
    moment = replace(moment, household=odd_details().household)
    assert moment.earlier == {"music", "lights"}
    alone = [
        value("company_bits", replace(moment, session=_told(moment, domain)))
        for domain in ("music", "lights")
    ]
    assert (value("company_bits", moment), value("company_peak_bits", moment)) == (
        min(alone),
        max(alone),
    )
    assert alone[0] < alone[1]
    assert math.isnan(value("stranger_bits", send()))


def _told(moment: Moment, domain: str) -> Session:
    """Return the moment as if its session had been about one domain before."""
    intents = (f"{domain}.Anything",) * (len(moment.session.intents) - 1)
    return replace(moment.session, intents=(*intents, SEND))


def test_a_confidence_term_is_the_known_value_or_missing() -> None:
    quiet = send()
    for name in ("wake_confidence", "asr_confidence", "intent_confidence"):
        assert math.isnan(value(name, quiet))
    assert value("wake_confidence", send(0.25)) == 0.25


def test_the_lowest_confidence_and_the_mean() -> None:
    first, second, third = send_message()
    heard = [replace(first, wake_confidence=0.9), second, replace(third, wake_confidence=0.5)]
    (moment,) = moments_of([heard])
    assert value("wake_confidence", moment) == 0.5
    assert value("wake_mean", moment) == pytest.approx(0.7)


def test_sequence_terms_have_the_bits_of_the_chain() -> None:
    moment = send()
    bits = moment.chain.bits
    assert len(bits) == 3
    for name, expected in (
        ("chain_bits", sum(bits)),
        ("first_bits", bits[0]),
    ):
        assert value(name, moment) == expected


def test_a_daily_command_is_less_surprising() -> None:
    never, often = send(), aged(20)
    assert value("intent_bits", often) < value("intent_bits", never)
    assert value("domain_bits", often) < value("domain_bits", never)


def test_a_known_contact_is_not_an_unknown_token() -> None:
    assert value("unknown_tokens", aged(20)) == 0.0
    assert value("unknown_tokens", send()) == 1.0
    assert math.isnan(value("unknown_tokens", moment_of("lights.TurnOn")))


def test_a_missing_contact_is_more_surprising_than_a_given_one() -> None:
    said = send()
    unsaid = moments_of([dialogue((SEND, Act.INITIATE, False), (SEND, Act.AFFIRM, True))])[0]
    assert value("slot_bits", unsaid) > value("slot_bits", said)


def test_playing_without_a_search_is_more_surprising_than_after_one() -> None:
    searched = moments_of(
        [dialogue(("music.FindSongs", Act.INITIATE, False), ("music.PlaySong", Act.INITIATE, True))]
    )[0]
    assert value("search_bits", moment_of("music.PlaySong")) > value("search_bits", searched)


def test_before_contains_the_intents_before_the_chain() -> None:
    events = [*dialogue(("music.FindSongs", Act.INITIATE, False)), *send_message(first=1)]
    assert moments_of([events])[0].before == ("music.FindSongs",)
