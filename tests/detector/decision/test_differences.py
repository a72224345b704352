from __future__ import annotations

from dataclasses import replace

from detector.contracts.decisions import Decision, Verdict
from detector.decision.differences import Layer, differences
from tests.detector.builders import ABSURD, hand_bundle, heard, run, send_message


def blocked() -> Decision:
    return run(heard(send_message(), ABSURD), hand_bundle())[0][-1]


def test_a_decision_does_not_differ_from_itself() -> None:
    assert differences(blocked(), blocked()) == ()


def test_evidence_comes_before_the_judge_and_the_policy() -> None:
    first = blocked()
    changed = replace(
        first,
        verdict=Verdict.ALLOW,
        misfire_probability=0.5,
        reasons=(replace(first.reasons[0], bits=1.0),),
    )
    found = differences(first, changed)
    assert [(each.layer, each.term) for each in found] == [
        (Layer.EVIDENCE, f"reasons.{first.reasons[0].code}"),
        (Layer.JUDGE, "misfire_probability"),
        (Layer.POLICY, "verdict"),
    ]
    assert found[0].second.startswith("1.000000 bits")
    assert str(found[2]) == "policy: verdict is block and allow"


def test_a_missing_rule_of_the_policy_is_absent() -> None:
    first = blocked()
    rule = replace(first.reasons[0], code="block_budget", bits=0.0, text="exhausted")
    (found,) = differences(first, replace(first, reasons=(rule, *first.reasons)))
    assert (found.layer, found.term, found.first) == (
        Layer.POLICY,
        "reasons.block_budget",
        "absent",
    )


def test_another_bundle_is_the_first_difference() -> None:
    first = blocked()
    other = replace(first, bundle="b2", decision_id="d2", event_bits=1.0)
    assert [each.term for each in differences(first, other)] == ["bundle", "event_bits"]
