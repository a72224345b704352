from __future__ import annotations

from dataclasses import replace

from detector.contracts.decisions import Verdict
from detector.contracts.events import Act, IntentEvent
from detector.evaluation.ngram_gates import GATES, ngram_gates, ngram_scores
from tests.detector.builders import dialogue, policy, send_message
from tests.detector.evaluation.test_reliability import MEANT


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


def test_without_another_household_no_command_is_surprising() -> None:
    scores = ngram_scores(send_message(), set())
    assert all(set(found.values()) == {0.0} for found in scores.values())
