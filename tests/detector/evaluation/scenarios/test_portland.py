from __future__ import annotations

from datetime import timedelta

from detector.contracts.decisions import Verdict
from detector.contracts.events import Act
from detector.evaluation.scenarios.portland import portland
from tests.detector.builders import START, dialogue, hand_bundle, send_message
from tests.detector.town import town


def test_both_chains_have_the_same_command() -> None:
    found = portland(town(households=6), hand_bundle())
    assert found is not None
    heard, honest = found
    assert [turn.act for turn in heard.turns] == ["initiate", "inform", "affirm"]
    assert {turn.intent for turn in heard.turns} == {"messages.SendMessage"}
    assert honest.turns[-1].intent == "messages.SendMessage"
    assert {turn.intent.partition(".")[0] for turn in honest.turns} == {"messages"}


def test_background_talk_has_a_doubtful_wake_word_if_confidences_are_reported() -> None:
    often = [
        each
        for number in range(5)
        for each in send_message(
            10 * number, session=f"s{number}", days=number, wake_confidence=0.9
        )
    ]
    quiet = dialogue(
        ("lights.TurnOn", Act.INITIATE, True),
        first=900,
        household_id="h2",
        session="q",
        wake_confidence=0.9,
    )
    found = portland([*quiet, *often], hand_bundle())
    assert found is not None
    # 0.38 is doubtful to the hand-made judge, which only uses the wake word's confidence.
    assert (found[0].verdict, found[1].verdict) == (Verdict.CONFIRM, Verdict.ALLOW)
    assert found[0].misfire_probability > found[1].misfire_probability


def test_misfires_of_the_stream_are_left_out() -> None:
    meant = send_message(wake_confidence=0.9)
    phantom = send_message(10, session="s2", days=1.0, household_id="h2", wake_confidence=0.9)
    light = dialogue(
        ("lights.TurnOn", Act.INITIATE, True), first=90, session="s3", household_id="h2", days=2.0
    )
    found = portland(
        [*meant, *phantom, *light], hand_bundle(), {event.event_id for event in phantom}
    )
    assert found is not None
    assert light[-1].time - START > timedelta(days=1)
    assert found[0].turns[0].bits > found[1].turns[0].bits


def test_without_a_command_of_several_turns_there_is_no_chain() -> None:
    assert portland(dialogue(("lights.TurnOn", Act.INITIATE, True)), hand_bundle()) is None
