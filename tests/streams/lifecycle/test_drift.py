from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from detector.decision.training_report import Data, FromLog
from detector.evidence import TERMS
from detector.evidence.drift import fit_distribution
from streams.kafka.connection import Brokers
from streams.lifecycle import drift
from streams.lifecycle.training_log import TrainingLog
from tests.detector.builders import hand_bundle, hand_report, send_message

REPORT = replace(hand_report(), data=Data(households=100))
BUNDLE = hand_bundle(training=fit_distribution([np.zeros(len(TERMS))]), report=REPORT)


def test_only_commands_of_the_period_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        each
        for day in range(600)
        for each in send_message(first=10 * day, days=float(day), session=f"s{day}")
    ]

    def read(_: Brokers, **__: Any) -> TrainingLog:
        return TrainingLog(events, FromLog({}, {}))

    monkeypatch.setattr(drift, "read_training_log", read)
    found = drift.measure_drift(
        Brokers("-"),
        BUNDLE,
        since=events[150].seconds,
        now=datetime(2026, 7, 1, tzinfo=UTC),
        most_households=10,
    )
    assert (found.commands, found.events) == (550, 1_650)
    assert found.evidence.keys() == {term.name for term in TERMS}
    assert found.unknown == 0
