from __future__ import annotations

import json
from typing import Any

import pytest

from detector.contracts.decisions import RiskClass
from detector.contracts.errors import BundleError
from detector.decision.bundle import bundle_from_files, bundle_to_files
from detector.decision.training_report import Readiness, parse_report, report_to_json
from tests.detector.builders import hand_bundle, hand_report, policy

WRITTEN: dict[str, Any] = json.loads(report_to_json(hand_report()))


def test_a_report_is_read_as_it_was_written() -> None:
    assert parse_report(report_to_json(hand_report())) == hand_report()
    read = bundle_from_files(bundle_to_files(hand_bundle()))
    assert read.report == hand_report()
    assert read.version != hand_bundle(report=hand_report(ours=0.5)).version


@pytest.mark.parametrize(
    ("ours", "ready", "cheaper"),
    [
        (1.0, True, []),
        (2.0, True, []),
        (2.5, False, ["always allow"]),
        (9.0, False, ["always allow", "ask about every harmful command"]),
    ],
)
def test_a_bundle_may_enforce_if_no_rule_without_a_model_costs_less(
    ours: float, ready: bool, cheaper: list[str]
) -> None:
    bundle = hand_bundle(report=hand_report(ours=ours))
    assert bundle.report.readiness.may_enforce is ready
    assert bundle.report.readiness.cheaper == cheaper
    assert bundle.is_unready is not ready


def test_a_bundle_that_only_observes_is_never_unready() -> None:
    observing = policy(enforcement='"shadow"')
    assert not hand_bundle(rules=observing, report=hand_report(ours=9.0)).is_unready


def test_one_expensive_class_does_not_make_a_bundle_unready() -> None:
    costs = {"misfire": 3.0, "always allow": 2.0}
    assert Readiness({"misfire": 1.0, "always allow": 2.0}, {RiskClass.PURCHASE: costs}).may_enforce


@pytest.mark.parametrize(
    "change",
    [
        {"figures": {"auroc": float("nan")}},
        {"figures": None},
        {"surplus": 1},
        {"thin": [{}]},
        {"thin": [WRITTEN["thin"][0] | {"risk": "gift"}]},
        {"thin": [WRITTEN["thin"][0] | {"promised": 2.0}]},
        {"thin": [WRITTEN["thin"][0] | {"pooled": 1}]},
        {"readiness": {"overall": {}, "by_class": {}}},
        {"readiness": {"overall": {"always allow": 1.0, "other": 1.0}, "by_class": {}}},
        {"readiness": {"overall": {"misfire": 1.0}, "by_class": {}}},
        {"readiness": {"overall": {"misfire": -1.0, "always allow": 2.0}, "by_class": {}}},
        {"data": WRITTEN["data"] | {"events": 1.5}},
    ],
)
def test_a_report_with_a_wrong_value_is_refused(change: dict[str, Any]) -> None:
    files = bundle_to_files(hand_bundle()) | {"report.json": json.dumps(WRITTEN | change).encode()}
    with pytest.raises(BundleError, match="damaged"):
        bundle_from_files(files)
