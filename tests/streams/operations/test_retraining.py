from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from prometheus_client.samples import Sample

from detector.decision.training_report import Data
from detector.evidence import TERMS
from detector.evidence.drift import fit_distribution
from streams.operations.findings import Finding
from streams.operations.retraining import EvidenceCounts, evidence_counts, retraining
from streams.operations.unclassified_intents import RecentIntents
from streams.wire.records import DECISION
from tests.detector.builders import hand_bundle, hand_report, run, send_message

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DATA = Data(first="2026-05-01T00:00:00+00:00", last="2026-06-30T00:00:00+00:00", households=100)
BUNDLE = hand_bundle(
    training=fit_distribution([np.full(len(TERMS), float(n % 10)) for n in range(100)]),
    report=replace(hand_report(), data=DATA),
)
USED = {"messages.SendMessage": 300, "music.PlaySong": 300, "lights.TurnOn": 300}


def sample(place: str, value: float, bundle: str = BUNDLE.version) -> Sample:
    labels = {"term": TERMS[0].name, "bin": place, "bundle": bundle}
    return Sample("misfire_evidence_total", labels, value)


def found(intents: dict[str, int], evidence: EvidenceCounts | None = None) -> Finding:
    return retraining(BUNDLE, intents, evidence or EvidenceCounts(), NOW)


def test_commands_like_the_training_data_need_no_training() -> None:
    assert found(USED) == Finding("drift", True, "900 recent commands are like the training data")


def test_too_few_commands_are_said() -> None:
    assert "9 recent commands are too few" in found({"lights.TurnOn": 9}).text


def test_the_recommendation_has_its_numbers_and_is_no_fault() -> None:
    counts = evidence_counts([sample("0", 900.0), sample("missing", 100.0), sample("1", 5, "old")])
    finding = found(USED | {"lawn.Mow": 100}, counts)
    assert finding.ok
    assert finding.text.startswith(
        "train again ('misfire train --from-topic'), because of 1,000 recent commands and the"
        " evidence of 1,000: 1 of 1 evidence terms have drifted"
    )
    assert "10.0% of the commands have one of 1 intents" in finding.text


def test_the_latest_decisions_on_commands_are_counted() -> None:
    recent = RecentIntents()
    for decision in run(send_message(), hand_bundle())[0]:
        recent.add(DECISION.encode(decision))
    recent.add(b"not JSON")
    recent.add(None)
    assert recent.commands == {"messages.SendMessage": 1}
    assert recent.unclassified == {}
