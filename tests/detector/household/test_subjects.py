from __future__ import annotations

import math

from detector.contracts.events import Act
from detector.evidence import TERMS, Moment
from detector.household.state import MAX_TURNS, Subject
from detector.household.subjects import follow
from detector.population.base_rates import Population
from tests.detector.builders import dialogue, training_sessions
from tests.detector.moments import moments_of

POPULATION = Population.of(training_sessions())
FIND = ("music.FindSongs", Act.INITIATE, False)
PLAY = ("music.PlaySong", Act.AFFIRM, True)
BEGIN, SEND = (
    ("messages.SendMessage", Act.INITIATE, False),
    ("messages.SendMessage", Act.AFFIRM, True),
)
THANKS = ("conversation.Thanks", Act.THANK, False)


def subject_of(*turns: tuple[str, Act, bool]) -> Subject:
    subject = None
    for number, event in enumerate(dialogue(*turns)):
        subject = follow(
            subject, event, turn=number, bits=float(number), slot_bits=1.0, population=POPULATION
        )
    assert subject is not None
    return subject


def value(name: str, moment: Moment) -> float:
    return next(term.value(moment) for term in TERMS if term.name == name)


def test_a_subject_lasts_as_long_as_its_domain() -> None:
    subject = subject_of(BEGIN, FIND, PLAY)
    assert (subject.domain, subject.start, subject.bits) == ("music", 1, (1.0, 2.0))
    assert subject.commits == 1


def test_thanks_belong_to_the_current_subject() -> None:
    subject = subject_of(FIND, THANKS, PLAY)
    assert (subject.start, len(subject.bits), subject.intent) == (0, 3, "music.PlaySong")


def test_a_greeting_belongs_to_what_follows() -> None:
    subject = subject_of(THANKS, FIND)
    assert (subject.domain, subject.start) == ("music", 0)


def test_the_first_subject_follows_nothing() -> None:
    subject = subject_of(FIND)
    assert (subject.follows_command, subject.interrupts) == (None, None)


def test_interrupts_says_whether_the_previous_subject_was_unfinished() -> None:
    assert subject_of(BEGIN, FIND).interrupts is True
    assert subject_of(BEGIN, SEND, FIND).interrupts is False
    assert subject_of(BEGIN, SEND, BEGIN, FIND).interrupts is False  # the intent was committed once
    assert subject_of(FIND, BEGIN).interrupts is False  # finding songs is not a command


def test_follows_command_says_whether_the_previous_subject_had_a_command() -> None:
    assert subject_of(BEGIN, SEND, FIND).follows_command is True
    assert subject_of(BEGIN, FIND).follows_command is False


def test_a_subject_is_bounded() -> None:
    subject = subject_of(*[FIND] * (MAX_TURNS + 9))
    assert len(subject.bits) == len(subject.slot_bits) == MAX_TURNS


def test_the_set_of_slots_of_a_turn_has_a_surprisal() -> None:
    (event,) = dialogue(("messages.SendMessage", Act.INFORM, False, {"contact": "k1_a"}))
    new, again = POPULATION.said["messages.SendMessage inform"]["contact"]
    assert POPULATION.slot_bits(event, set()) == -math.log2(new)
    assert POPULATION.slot_bits(event, {"contact"}) == -math.log2(again)
    assert again < new
    (unknown,) = dialogue(("ovens.Ignite", Act.INITIATE, False, {"heat": "k1_a"}))
    assert POPULATION.slot_bits(unknown, set()) == 0.0


def test_the_terms_look_at_the_subject_not_the_chain() -> None:
    (moment,) = moments_of([dialogue(BEGIN, FIND, ("music.PlaySong", Act.INITIATE, False), PLAY)])
    assert value("subject_turns", moment) == 3.0
    assert value("subject_before", moment) == 1.0
    assert value("interrupts", moment) == 1.0
    assert value("returns", moment) == 0.0
    assert value("subject_first_bits", moment) == moment.session.subject.bits[0]  # type: ignore[union-attr]


def test_a_subject_that_comes_back_is_a_return() -> None:
    moments = moments_of([dialogue(BEGIN, SEND, FIND, BEGIN, SEND)])
    assert [value("returns", moment) for moment in moments] == [0.0, 1.0]
    assert [value("said_again", moment) for moment in moments] == [0.0, 1.0]
