import pytest

from detector.contracts.events import Act
from detector.evaluation.baseline_counts import (
    BEGIN,
    PARTS_OF_DAY,
    Counts,
    Everyone,
    bits,
    mixed,
    part_of_day,
    symbol_of,
)
from tests.detector.builders import START, dialogue, event

LIGHT, SONG = "lights.TurnOn", "music.PlaySong"
EVERYONE = Everyone(
    {
        "h1": [[event(0, intent=LIGHT, commits=True)], [event(1, intent=SONG, commits=True)]],
        "h2": [[event(2, intent=LIGHT, commits=True)]],
    }
)


def test_a_rate_with_a_prior_lies_between_the_prior_and_the_counts() -> None:
    assert mixed(0, 0, 0.25, 2.0) == 0.25
    assert mixed(3, 4, 0.25, 2.0) == pytest.approx((3 + 0.5) / 6)
    assert bits(0.125) == 3.0


def test_parts_of_the_day_are_three_hours_of_utc() -> None:
    assert part_of_day(event(time=START)) == 18 // 3
    assert part_of_day(event(time=START.replace(hour=0))) == 0
    assert part_of_day(event(time=START.replace(hour=23, minute=59))) == PARTS_OF_DAY - 1


def test_commands_are_counted_by_intent_domain_device_and_hour_and_all_turns_as_pairs() -> None:
    counts = Counts()
    asked, done = dialogue((SONG, Act.ASK, False), (SONG, Act.AFFIRM, True))
    counts.learn(asked, BEGIN)
    counts.learn(done, symbol_of(asked))
    assert (counts.turns, counts.commands) == (2, 1)
    assert (counts.intents[SONG], counts.domains["music"]) == (1, 1)
    assert counts.on_device["d1", SONG] == counts.at_part[SONG, 6] == 1
    assert counts.pairs[(SONG, "ask"), (SONG, "affirm")] == 1
    assert counts.before[BEGIN] == 1


def test_the_rates_of_all_households_are_smoothed_shares() -> None:
    assert EVERYONE.intent(LIGHT) == pytest.approx(2.5 / 4.5)
    assert EVERYONE.intent("ovens.Ignite") == pytest.approx(0.5 / 4.5)
    assert EVERYONE.domain("lights.TurnOff") == pytest.approx(2.5 / 4.5)
    assert (EVERYONE.users(LIGHT), EVERYONE.users(SONG), EVERYONE.users("ovens.Ignite")) == (
        1.0,
        0.5,
        0.0,
    )
    assert sum(EVERYONE.part(part) for part in range(PARTS_OF_DAY)) == pytest.approx(1.0)
    assert sum(EVERYONE.part_of(SONG, part) for part in range(PARTS_OF_DAY)) == pytest.approx(1.0)


def test_a_song_follows_a_light_more_often_than_a_light() -> None:
    light, song = (LIGHT, "initiate"), (SONG, "initiate")
    assert EVERYONE.after(light, song) > EVERYONE.symbol(song)
    assert EVERYONE.after(light, light) < EVERYONE.symbol(light)
