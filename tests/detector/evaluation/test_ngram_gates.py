from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import Verdict
from detector.contracts.events import Act, IntentEvent
from detector.evaluation.ngram_gates import GATES, Ngram, ngram_gates, ngram_scores
from tests.detector.builders import dialogue, policy, send_message
from tests.detector.evaluation.test_reliability import MEANT

A, B, C = (("x.A", "ask"), ("x.B", "ask"), ("x.C", "ask"))
SEQUENCES = st.lists(st.lists(st.sampled_from([A, B, C]), max_size=8), min_size=1, max_size=6)


def test_a_bigram_worked_by_hand() -> None:
    model = Ngram(2, [[A, B]])
    # Uniform: 1/3 over A, B and unseen. Unigram: (1 + 2/3) / 4. After A: one B, of one kind.
    unigram = (1 + 2 / 3) / 4
    assert model.surprisals([A, B])[1] == pytest.approx(-math.log2((1 + unigram) / 2))


@given(SEQUENCES, st.lists(st.sampled_from([A, B, C]), max_size=6), st.sampled_from([2, 3]))
def test_predictive_probabilities_sum_to_one(
    sequences: list[list[tuple[str, str]]], before: list[tuple[str, str]], order: int
) -> None:
    model = Ngram(order, [*sequences, [A, B, C]])
    unseen = ("x.D", "ask")
    total = sum(2.0 ** -model.surprisals([*before, symbol])[-1] for symbol in (A, B, C, unseen))
    assert total == pytest.approx(1.0)


def test_longer_ngrams_remember_more() -> None:
    sequences = [[A, B, A], [C, B, C]] * 9
    bigram, order_two = (Ngram(order, sequences).surprisals([A, B, A])[-1] for order in (2, 3))
    assert order_two < bigram


def test_the_gates_confirm_unusual_commands() -> None:
    text = policy()
    events: list[IntentEvent] = []
    for number in range(120):
        events += send_message(
            10 * number, session=f"s{number}", household_id=f"h{number}", days=number
        )
    odd = dialogue(
        ("messages.SendMessage", Act.INITIATE, False), ("messages.SendMessage", Act.DECLINE, False),
        ("messages.SendMessage", Act.AFFIRM, True), first=9000, household_id="h1",
    )  # fmt: skip
    scores = ngram_scores([*events, *odd], {"e9002"})
    meant = [replace(MEANT, event_id=event.event_id) for event in events if event.commits]
    ways = ngram_gates(scores, meant, text)
    assert ways.keys() == GATES.keys()
    for way in ways.values():
        assert way(replace(MEANT, event_id="e9002")) is Verdict.CONFIRM
        assert way(replace(MEANT, event_id="e2")) is Verdict.ALLOW
