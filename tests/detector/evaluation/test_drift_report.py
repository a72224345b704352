from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.training_report import Data
from detector.evaluation.drift_report import (
    DRIFT,
    FEWEST_COMMANDS,
    Drift,
    DriftCounter,
    drift_of_commands,
)
from detector.evidence import TERMS
from detector.evidence.drift import BINS, fit_distribution
from tests.detector.builders import hand_bundle, hand_report, training_sessions

NOW = datetime(2026, 7, 1, tzinfo=UTC)
#: Evidence of the training data: the values 0 to 9 of every term.
ROWS = [np.full(len(TERMS), float(number % 10)) for number in range(1_000)]


def bundle(
    first: str = "2026-05-01T00:00:00+00:00",
    last: str = "2026-06-30T00:00:00+00:00",
    commands: int = 15,
) -> Bundle:
    report = replace(
        hand_report(), data=Data(first=first, last=last, commands=commands, households=100)
    )
    return hand_bundle(training=fit_distribution(ROWS), report=report)


def counted(
    events: list[IntentEvent], shift: float = 0.0, times: int = 40, found: Bundle | None = None
) -> Drift:
    """Return the drift of events like the training sessions, with evidence moved by ``shift``."""
    counter, number = DriftCounter(found or bundle()), 0
    for _ in range(times):
        for event in events:
            values = np.full(len(TERMS), number % 10 + shift) if event.commits else None
            number += event.commits
            counter.add(event, values)
    return counter.result(NOW)


TRAINED = [event for session in training_sessions() for event in session]


def test_the_training_data_has_not_drifted() -> None:
    drift = counted(TRAINED)
    assert drift.commands >= FEWEST_COMMANDS
    assert drift.reasons == ()
    assert max(drift.evidence.values()) < 0.02
    assert (drift.domains, drift.hours) == (None, None)
    assert drift.season_days == 1.0


def test_moved_evidence_is_a_reason_with_its_numbers() -> None:
    drift = counted(TRAINED, shift=6.0)
    assert min(drift.evidence.values()) > DRIFT
    (reason,) = drift.reasons
    assert reason.startswith(f"{len(TERMS)} of {len(TERMS)} evidence terms have drifted")


def test_a_few_terms_that_moved_are_no_reason() -> None:
    drift = counted(TRAINED)
    names = list(drift.evidence)
    most = len(names) // 4
    few = replace(drift, evidence={**drift.evidence, **dict.fromkeys(names[:most], 9.0)})
    assert few.reasons == ()
    assert replace(few, evidence={**few.evidence, names[most]: 9.0}).reasons != ()


def test_new_skills_are_a_reason_with_their_share() -> None:
    new = [replace(each, intent="lawn.Mow") for each in TRAINED if each.commits][:2]
    drift = counted([*TRAINED, *new])
    assert (drift.unknown, drift.new_intents) == (80, {"lawn.Mow": 80})
    assert any(
        "one of 1 intents that the bundle does not know (lawn.Mow)" in r for r in drift.reasons
    )


def test_another_mix_of_domains_and_other_hours_are_reasons() -> None:
    lights = [each for each in TRAINED if each.domain == "lights"]
    night = [replace(each, time=each.time + timedelta(hours=9)) for each in lights]
    usual = counted(TRAINED, found=bundle(commands=1_000))
    assert usual.domains == 0.0
    reasons = " ".join(counted(night, times=200, found=bundle(commands=1_000)).reasons)
    assert "the mix of domains has a stability index of" in reasons
    assert "the hours of use has a stability index of" in reasons


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-05-01T00:00:00+00:00", "2026-07-05T00:00:00+00:00", 0.0),
        ("2025-06-20T00:00:00+00:00", "2025-07-10T00:00:00+00:00", 0.0),
        ("2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00", 150.0),
        ("2025-08-10T00:00:00+00:00", "2025-12-01T00:00:00+00:00", 40.2),
        ("", "", None),
    ],
)
def test_a_season_without_training_data_is_a_reason(
    first: str, last: str, days: float | None
) -> None:
    drift = counted(TRAINED, found=bundle(first, last))
    assert drift.season_days == days
    assert bool(drift.reasons) == (days is not None and days > 45)


def test_evidence_of_too_few_households_is_not_compared() -> None:
    found = bundle()
    few = replace(found.report, data=replace(found.report.data, households=99))
    assert counted(TRAINED, shift=6.0, found=replace(found, report=few)).reasons == ()


def test_too_few_commands_are_no_reason() -> None:
    drift = counted(TRAINED, shift=6.0, times=2)
    assert (drift.evidence, drift.domains, drift.hours, drift.reasons) == ({}, None, None, ())


def test_commands_that_were_only_counted_are_compared() -> None:
    used = {"messages.SendMessage": 300, "music.PlaySong": 300, "lights.TurnOn": 300}
    none = np.zeros((len(TERMS), BINS + 1), dtype=np.int64)
    drift = drift_of_commands(bundle(), used, none, NOW)
    assert (drift.commands, drift.evidence, drift.reasons) == (900, {}, ())
    skewed = none.copy()
    skewed[0, 0] = 600
    more = drift_of_commands(bundle(), used | {"lawn.Mow": 100}, skewed, NOW)
    assert list(more.evidence) == [TERMS[0].name]
    assert len(more.reasons) == 2
    assert drift_of_commands(bundle(), {"lawn.Mow": 9}, none, NOW).reasons == ()
