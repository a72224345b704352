from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from detector.contracts.decisions import Decision
from detector.policy.fallback import fallback_decision
from detector.policy.unclassified import is_unclassified
from streams.telemetry.unclassified import UnclassifiedLog
from tests.detector.builders import event, policy

POLICY = policy()


def decided(intent: str) -> Decision:
    return fallback_decision(event(intent=intent, commits=True), POLICY, code="late", text="Late.")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_intent_without_a_rule_is_unclassified() -> None:
    assert is_unclassified(decided("quiz.Start"))
    assert not is_unclassified(decided("lights.TurnOn"))


def test_an_intent_is_logged_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = UnclassifiedLog(clock)
    for clock.now in (0.0, 1800.0, 3599.0, 3600.0):
        log.record(decided("quiz.Start"))
        log.record(decided("lights.TurnOn"))
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "no rule of the policy names quiz.Start; it counts as private_outbound" in caplog.text
    assert "lights.TurnOn" not in caplog.text


def test_invented_intents_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log = UnclassifiedLog(Clock())
    for number in range(200):
        log.record(replace(decided("quiz.Start"), intent=f"quiz.Start_{number}"))
    assert len(caplog.records) == 20
