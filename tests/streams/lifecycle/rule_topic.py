"""The topic of rules, in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detector.contracts.rules import Rule
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import RULES
from streams.lifecycle import rule_log, rules
from streams.wire.records import RULE, Headers

__all__ = ["RuleTopic"]


class RuleTopic:
    """The records of ``misfire.rules``, and a producer that writes them.

    ``exists`` says whether the topic exists.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: list[TopicRecord] = []
        self.exists = True
        monkeypatch.setattr(rule_log, "read_topic", lambda *_: self._read())
        monkeypatch.setattr(rules, "KafkaProducer", lambda **_: self)
        for module in (rule_log, rules):
            monkeypatch.setattr(module, "exists", lambda _: self.exists)

    def add(self, *added: Rule) -> None:
        """Write rules."""
        for rule in added:
            self.send(RULES, key=rule.rule_id.encode(), value=RULE.encode(rule), headers=())

    def send(self, topic: str, *, key: bytes, value: bytes | None, headers: Headers) -> RuleTopic:
        """Behave as ``KafkaProducer.send``."""
        assert topic == RULES
        number = len(self.held)
        self.held.append(TopicRecord(Place(RULES, 0, number), number, key, value, headers))
        return self

    def get(self, timeout: float) -> None:
        """Acknowledge a record."""

    def close(self) -> None:
        """Close the producer."""

    def _read(self) -> Iterator[TopicRecord]:
        return iter([*self.held])
