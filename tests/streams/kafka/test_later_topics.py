"""Which topics an upgraded installation lacks, as the broker reports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from streams.errors import DependencyUnavailable
from streams.kafka import later_topics
from streams.kafka.connection import Brokers
from streams.kafka.later_topics import later_topics_missing
from streams.kafka.topics import RULES

BROKERS = Brokers("nobody.invalid:9092")


class Admin:
    """Behaves as ``KafkaAdminClient``; every topic has this error code."""

    def __init__(self, code: int) -> None:
        self.code = code

    def describe_topics(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [{"name": name, "error_code": self.code} for name in names]

    def close(self) -> None: ...


@pytest.mark.parametrize(("code", "missing"), [(0, False), (3, True)])
def test_a_later_topic_may_be_missing(
    code: int, missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later_topics, "admin", lambda _: Admin(code))

    assert (RULES in later_topics_missing(BROKERS)) == missing


def test_a_topic_without_a_right_is_not_taken_for_a_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(later_topics, "admin", lambda _: Admin(29))

    with pytest.raises(DependencyUnavailable, match=r"misfire\.rules.*no right"):
        later_topics_missing(BROKERS)
