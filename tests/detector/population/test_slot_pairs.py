"""Slot pairs of two services with one intent.

One service asks for a party size and a city, the other for a number of seats and a place.
"""

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import Act, IntentEvent
from detector.household.state import MAX_KNOWN_SLOTS
from detector.household.subjects import follow
from detector.population.base_rates import Population
from detector.population.slot_pairs import Coherence, CoherenceCounts, qualified
from tests.detector.builders import dialogue

RESERVE = "restaurants.Reserve"
NAMES = st.frozensets(st.sampled_from(("city", "party", "place", "seats")))


def counted(*said: frozenset[str], earlier: Sequence[str] = ()) -> Coherence:
    counts = CoherenceCounts()
    for names in said:
        counts.add(RESERVE, names, qualified("restaurants", names), earlier)
    return counts.rates()


SERVICES = counted(*[frozenset({"party", "city"})] * 8, *[frozenset({"seats", "place"})] * 8)


def reserve(
    slots: Sequence[str], *before: tuple[str, Act, bool, dict[str, str]]
) -> list[IntentEvent]:
    informs = [(RESERVE, Act.INFORM, False, {name: "k1_x"}) for name in slots]
    return dialogue(*before, *informs, (RESERVE, Act.AFFIRM, True))


def test_slots_of_two_services_do_not_belong_together_worked_by_hand() -> None:
    # 8 of 16 commands have each slot, so 4 would have both by chance; none has.
    assert SERVICES.apart_bits(RESERVE, ("seats", "party")) == [math.log2(4.5 / 0.5)]
    assert SERVICES.apart_bits(RESERVE, ("party", "city")) == []
    assert len(SERVICES.apart_bits(RESERVE, ("party", "city", "place"))) == 2


def test_a_pair_expected_less_than_once_gives_little_evidence() -> None:
    rare = counted(*[frozenset({"party"})] * 9, frozenset({"view"}))
    (bits,) = rare.apart_bits(RESERVE, ("party", "view"))
    assert bits == math.log2((9 / 10 + 0.5) / 0.5) < 2.0


def test_a_slot_that_always_accompanies_another_is_missed() -> None:
    assert SERVICES.left_out_bits(RESERVE, ("party",)) == [-math.log2(1 / 10)]
    assert SERVICES.left_out_bits(RESERVE, ("party", "city")) == []


def test_a_slot_that_half_of_the_users_omit_is_not_missed() -> None:
    often = counted(*[frozenset({"party", "city"})] * 4, *[frozenset({"party"})] * 4)
    assert often.left_out_bits(RESERVE, ("party",)) == []
    assert often.left_out_bits(RESERVE, ("city",)) == [-math.log2(1 / 6)]


def test_unknown_intents_and_slots_have_no_bits() -> None:
    for names in (("party", "seats"), ("unheard",), ()):
        assert SERVICES.apart_bits("hotels.Reserve", names) == []
        assert SERVICES.left_out_bits("hotels.Reserve", names) == []
        assert (
            SERVICES.across_bits(qualified("hotels", names), qualified("restaurants", names)) == []
        )
    assert SERVICES.apart_bits(RESERVE, ("unheard", "party")) == []


@given(st.lists(NAMES, min_size=1, max_size=12), NAMES)
def test_bits_are_positive_and_do_not_depend_on_the_order(
    said: list[frozenset[str]], names: frozenset[str]
) -> None:
    found = counted(*said)
    bits = found.apart_bits(RESERVE, sorted(names))
    assert bits == found.apart_bits(RESERVE, sorted(names, reverse=True))
    assert all(bit > 0.0 for bit in bits)
    assert all(bit > 1.0 for bit in found.left_out_bits(RESERVE, names))


def test_slots_of_an_earlier_subject_are_qualified_by_their_domain() -> None:
    concert = ("concerts.Find", Act.INFORM, False, {"date": "k1_d"})
    flight = ("flights.Find", Act.INFORM, False, {"date": "k1_d"})
    sessions = [
        *[reserve(("party",), concert)] * 8,
        *[reserve(("seats",), flight)] * 8,
    ]
    coherence = Population.of(sessions).coherence
    party, seats = qualified("restaurants", ("party",)), qualified("restaurants", ("seats",))
    assert coherence.across_bits(("concerts.date",), party) == []
    assert coherence.across_bits(("concerts.date",), seats) == [math.log2(4.5 / 0.5)]
    assert coherence.across_bits(("flights.date",), party) == [math.log2(4.5 / 0.5)]


def test_a_session_carries_slots_to_its_next_subjects() -> None:
    population, subject = Population.of([reserve(("party",))]), None
    turns = reserve(("party", "city"), ("concerts.Find", Act.INFORM, False, {"date": "k1_d"}))
    for number, event in enumerate(turns):
        subject = follow(
            subject, event, turn=number, bits=1.0, slot_bits=0.0, population=population
        )
    assert subject is not None
    assert (subject.told, subject.slots) == (("concerts.date",), ("city", "party"))


def test_the_slots_of_earlier_subjects_are_bounded() -> None:
    population, subject = Population.of([reserve(("party",))]), None
    many = [
        (f"{domain}.Find", Act.INFORM, False, {f"slot{number}": "k1_x" for number in range(30)})
        for domain in ("concerts", "flights", "hotels")
    ]
    for number, event in enumerate(reserve((), *many)):
        subject = follow(
            subject, event, turn=number, bits=1.0, slot_bits=0.0, population=population
        )
    assert subject is not None
    assert len(subject.told) == MAX_KNOWN_SLOTS
