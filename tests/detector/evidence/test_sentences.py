"""The sentence about a value is true: for every term, over the range of its values."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from detector.contracts.events import Act
from detector.evidence import TERMS, Moment, Term
from detector.evidence.sentence_checks import check_sentences
from detector.evidence.sentences import RARE, Sentences, always, yes_no
from tests.detector.builders import dialogue
from tests.detector.moments import every_moment, moments_of

SEND, PLAY = "messages.SendMessage", "music.PlaySong"
BY_NAME = {term.name: term for term in TERMS}
BITS = Term(
    "rare_bits",
    "bits",
    "surprisal of something",
    Sentences("this is rare ({value:.1f} bits)", "this is not rare", edge=RARE),
    lambda _: 1.0,
)
FLAG = Term("flag", "0 or 1", "whether it is", yes_no("it is so", "it is not so"), lambda _: 1.0)
COUNT = Term(
    "times", "events", "number of turns", always("it took {value:.0f} turn{s}"), lambda _: 1.0
)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_every_sentence_is_true_over_the_range_of_its_term(term: Term) -> None:
    check_sentences(term)


def test_every_moment_is_described_by_sentences() -> None:
    for moment in every_moment():
        for term in TERMS:
            text = term.text(term.value(moment), moment.event.intent)
            assert text is None or text.endswith(".")


def test_a_missing_value_is_called_missing() -> None:
    assert FLAG.text(math.nan, SEND) == "Evidence is missing: whether it is."


def test_a_number_is_printed_with_its_plural() -> None:
    assert [COUNT.text(value, SEND) for value in (0.0, 1.0, 1.4, 2.0)] == [
        "It took 0 turns.",
        "It took 1 turn.",
        "It took 1 turn.",
        "It took 2 turns.",
    ]


@pytest.mark.parametrize("wrong", [COUNT, BITS, FLAG])
def test_the_examples_pass(wrong: Term) -> None:
    check_sentences(wrong)
    check_sentences(replace(wrong, sentences=None))


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (replace(FLAG, sentences=always("it is so")), "needs two sentences"),
        (replace(FLAG, sentences=Sentences("it is", "it is not", 0.0)), "one sentence for 0 and 1"),
        (replace(BITS, sentences=always("this is rare ({value:.1f} bits)")), "needs two sentences"),
        (
            replace(BITS, sentences=Sentences("this is rare", "this is not rare", edge=1.0)),
            "less than 4.0 bits rare",
        ),
        (replace(COUNT, sentences=always("only {value:.0f} turn{s}")), "judges all values alike"),
        (replace(COUNT, sentences=always("it took {value:.0f} turns")), "lacks the plural ending"),
        (replace(COUNT, sentences=always("in 7 turns")), "prints another number"),
        (replace(COUNT, sentences=always("{value:.1f} times")), "is no sentence"),
        (replace(COUNT, sentences=always("for {household}")), "may only contain value, s and"),
        (replace(COUNT, sentences=always("it ends.")), "already has a full stop"),
        (
            replace(COUNT, sentences=Sentences("it took {value:.0f} turn{s}", "no turn", edge=0.0)),
            "judges zero",
        ),
    ],
)
def test_the_fault_of_a_wrong_sentence_is_named(term: Term, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_sentences(term)


@pytest.mark.parametrize(
    ("name", "holds", "yes", "no"),
    [
        (
            "after_commit",
            lambda moment: bool(moment.session.committed),
            "The conversation had already led to a command.",
            "The conversation had not led to a command before.",
        ),
        (
            "returns",
            lambda moment: moment.event.domain in moment.earlier,
            "The conversation returned to that subject.",
            "The conversation had not been about that subject before.",
        ),
        (
            "said_again",
            lambda moment: moment.event.intent in moment.session.committed,
            f"The conversation had already led to {SEND}.",
            f"The conversation had not led to {SEND} before.",
        ),
    ],
)
def test_yes_and_no_sentences_are_true_of_their_moments(
    name: str, holds: Callable[[Moment], bool], yes: str, no: str
) -> None:
    send, play = (SEND, Act.INITIATE, True), (PLAY, Act.INITIATE, True)
    told = [
        (holds(moment), BY_NAME[name].text(BY_NAME[name].value(moment), SEND))
        for moment in moments_of([dialogue(send), dialogue(send, play, send)])
        if moment.event.intent == SEND
    ]
    assert set(told) == {(True, yes), (False, no)}
