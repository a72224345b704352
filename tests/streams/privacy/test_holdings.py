"""What is read of a household after an upgrade that has not created every topic yet."""

from __future__ import annotations

import pytest

from streams.kafka.connection import Brokers
from streams.kafka.reading import TopicRecord
from streams.kafka.topics import RULES
from streams.privacy import holdings
from streams.privacy.holdings import collected, why_missing
from tests.streams.privacy.log import home, town_log


def test_a_missing_later_topic_has_nothing_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    log, read = town_log(3, 2), list[str]()

    def read_topic(_: Brokers, topic: str) -> list[TopicRecord]:
        read.append(topic)
        return list(log.read(topic))

    monkeypatch.setattr(holdings, "read_topic", read_topic)
    monkeypatch.setattr(holdings, "later_topics_missing", lambda _: {RULES})

    found = collected(Brokers("nobody.invalid:9092"), home(0))

    assert RULES not in read
    assert [each.source for each in found if each.missing] == [RULES]
    [said] = why_missing(found)
    assert said.startswith("Topic misfire.rules is missing")
