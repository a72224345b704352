"""Features are known before the label, and a household learns from what was meant alone."""

import math
from datetime import timedelta

import numpy as np

from detector.contracts.events import Act, IntentEvent
from detector.evaluation.baseline_counts import Everyone
from detector.evaluation.baseline_features import FEATURES, rows
from detector.policy.policy import Conversations
from tests.detector.builders import START, event, send_message
from tests.detector.town import town

LIGHT, SONG = "lights.TurnOn", "music.PlaySong"
EMPTY = Everyone({})


def command(number: int, intent: str = LIGHT, *, hours: float = 0.0) -> IntentEvent:
    return event(
        number,
        time=START + timedelta(hours=hours),
        session_id=f"s{number}",
        intent=intent,
        commits=True,
    )


def found(events: list[IntentEvent], *misfires: str) -> list[dict[str, float]]:
    return [
        dict(zip(FEATURES, row.tolist(), strict=True))
        for _, row in rows(events, set(misfires), EMPTY, Conversations())
    ]


def test_the_first_command_is_new_and_nothing_came_before_it() -> None:
    (first,) = found([command(0)])
    assert first["never_here"] == 1.0
    assert all(math.isnan(first[name]) for name in ("gap", "intent_ago", "domain_ago"))
    assert (first["burst"], first["same_intent"], first["same_domain"]) == (0.0, 0.0, 0.0)


def test_a_repeated_command_becomes_usual() -> None:
    every = found([command(number, hours=24.0 * number) for number in range(5)])
    frequency = [row["frequency_bits"] for row in every]
    assert frequency[1:] == sorted(frequency[1:], reverse=True)
    assert [row["intent_count"] for row in every] == [math.log2(1 + n) for n in range(5)]
    assert every[4]["same_intent"] == 1.0
    assert every[4]["hour_bits"] < every[0]["hour_bits"]


def test_a_misfire_is_heard_but_not_learned_from() -> None:
    events = [command(0, hours=0.0), command(1, SONG, hours=0.01), command(2, SONG, hours=0.02)]
    last = found(events, "e1")[2]
    assert last["never_here"] == 1.0
    assert (last["burst"], last["same_intent"]) == (2.0, 1.0)


def test_a_household_learns_when_its_next_conversation_begins() -> None:
    """Within a conversation no label is known yet."""
    same = [event(number, intent=LIGHT, commits=True) for number in range(2)]
    assert [row["never_here"] for row in found(same)] == [1.0, 1.0]
    assert [row["never_here"] for row in found([*same, command(2, hours=1.0)])] == [1.0, 1.0, 0.0]


def test_the_label_of_a_command_does_not_change_its_own_row() -> None:
    events = town(households=2, sessions=4)
    committing = [each.event_id for each in events if each.commits]
    for name in committing[:10]:
        clean = {each.event_id: row for each, row in rows(events, (), EMPTY, Conversations())}
        other = {each.event_id: row for each, row in rows(events, {name}, EMPTY, Conversations())}
        assert np.array_equal(clean[name], other[name], equal_nan=True)


def test_a_dialogue_has_one_row_with_its_most_surprising_turn() -> None:
    (row,) = found(send_message())
    assert row["turns"] == 3.0
    alone = found([event(commits=True, act=Act.AFFIRM)])[0]
    assert row["bigram_bits"] >= alone["bigram_bits"]


def test_the_commands_of_a_day_are_relative_to_the_usual_number() -> None:
    steady = [command(number, hours=23.0 * number) for number in range(10)]
    busy = [command(10 + number, hours=208.0 + 0.2 * number) for number in range(8)]
    every = found([*steady, *busy])
    assert every[9]["day_commands"] < 1.0 < every[17]["day_commands"]
