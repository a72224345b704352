from datetime import UTC, datetime

import pytest

from detector.contracts.events import Act
from detector.population.base_rates import PARTS_OF_WEEK, Population, part_of_week
from tests.detector.builders import START, dialogue, training_sessions

POPULATION = Population.of(training_sessions())


def test_shares_sum_to_one() -> None:
    for shares in (POPULATION.domains, POPULATION.intents, POPULATION.committing):
        assert sum(shares.values()) == pytest.approx(1.0)
    for hours in POPULATION.hours.values():
        assert len(hours) == PARTS_OF_WEEK
        assert sum(hours) == pytest.approx(1.0)


def test_conversation_turns_are_not_uses() -> None:
    assert "conversation" not in POPULATION.domains
    assert "conversation.Thanks" not in POPULATION.intents


def test_uses_are_counted_once_a_session() -> None:
    # Five sessions with messages, five with music and lights: one use of each domain in each.
    assert POPULATION.domains == {"lights": 1 / 3, "messages": 1 / 3, "music": 1 / 3}


def test_slots_and_searches_are_add_one_shares_of_commits() -> None:
    assert POPULATION.slots["messages.SendMessage"] == {"contact": 6 / 7}
    assert POPULATION.searched["music.PlaySong"] == 6 / 7
    assert POPULATION.searched["messages.SendMessage"] == 1 / 7
    assert "music.FindSongs" not in POPULATION.searched


def test_a_slot_said_earlier_in_the_session_is_known() -> None:
    assert POPULATION.slots["music.PlaySong"] == {"artist": 6 / 7}


def test_an_unseen_value_is_rarer_than_the_rarest_and_not_impossible() -> None:
    assert POPULATION.domain_rate("ovens") == min(POPULATION.domains.values()) / 2
    assert POPULATION.intent_rate("ovens.Ignite") == min(POPULATION.intents.values()) / 2
    assert POPULATION.hour_rate("ovens", 3) == 1 / PARTS_OF_WEEK
    assert 0 < Population.of([]).domain_rate("ovens") <= 1


def test_a_search_in_another_domain_does_not_count() -> None:
    session = dialogue(
        ("weather.GetForecast", Act.INITIATE, False), ("lights.TurnOn", Act.INITIATE, True)
    )
    assert Population.of([session]).searched == {"lights.TurnOn": 1 / 3}


@pytest.mark.parametrize(
    ("time", "part"),
    [
        (datetime(2026, 1, 5, 0, 0, tzinfo=UTC), 0),
        (datetime(2026, 1, 9, 2, 59, 59, tzinfo=UTC), 0),
        (datetime(2026, 1, 9, 3, 0, tzinfo=UTC), 1),
        (datetime(2026, 1, 9, 23, 59, tzinfo=UTC), 7),
        (datetime(2026, 1, 10, 0, 0, tzinfo=UTC), 8),
        (datetime(2026, 1, 11, 23, 59, tzinfo=UTC), 15),
    ],
)
def test_the_week_has_weekdays_and_weekends(time: datetime, part: int) -> None:
    assert part_of_week(time.timestamp()) == part


def test_hours_are_those_at_which_a_domains_sessions_began() -> None:
    # Five sessions from Monday 18:00 on, all on weekdays.
    part = part_of_week(START.timestamp())
    assert POPULATION.hour_rate("messages", part) == 6 / (5 + PARTS_OF_WEEK)
    assert POPULATION.hour_rate("messages", part - 1) == 1 / (5 + PARTS_OF_WEEK)
