from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import (
    ABSTENTIONS,
    Decision,
    Enforcement,
    Reason,
    RiskClass,
    Rung,
    Verdict,
    decision_id,
    why_abstained,
)
from detector.policy.fallback import fallback_decision
from tests.detector.builders import event as turn
from tests.detector.builders import hand_bundle

IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(IDS, IDS, IDS, IDS)
def test_a_decision_id_depends_on_its_event_and_bundle(
    event: str, bundle: str, event2: str, bundle2: str
) -> None:
    same = (event, bundle) == (event2, bundle2)
    assert (decision_id(event, bundle) == decision_id(event2, bundle2)) is same


def test_a_decision_id_never_changes() -> None:
    # Audit logs of several years contain these ids. Another derivation would break joins on them.
    assert decision_id("e1", "b1") == "95e58b6a83db274dd3d32cd3f2fa2e8b"


def test_enum_values_are_stable_on_the_wire() -> None:
    assert [verdict.value for verdict in Verdict] == ["allow", "confirm", "block"]
    assert [rung.value for rung in Rung] == ["worker", "gateway", "policy"]
    assert [mode.value for mode in Enforcement] == ["enforce", "shadow"]
    mildest_first = ["read_only", "reversible", "private_outbound", "purchase", "physical"]
    assert [risk.value for risk in RiskClass] == mildest_first


def test_a_decision_has_no_clock_reading_and_is_immutable() -> None:
    assert not {field.name for field in fields(Decision)} & {"time", "timestamp", "decided_at"}
    decision = Decision(
        decision_id="d",
        event_id="e",
        household_id="h",
        session_id="s",
        intent="a.B",
        verdict=Verdict.ALLOW,
        effective_verdict=Verdict.ALLOW,
        enforcement=Enforcement.ENFORCE,
        rung=Rung.WORKER,
        risk_class=RiskClass.REVERSIBLE,
        bundle="b",
    )
    assert (decision.misfire_probability, decision.p_value, decision.confirm) == (None, None, None)
    assert not decision.abstained
    assert not decision.degraded
    with pytest.raises(AttributeError):
        decision.verdict = Verdict.BLOCK  # type: ignore[misc]


def test_the_reason_for_abstaining_is_given_by_its_code_in_any_position() -> None:
    decision = fallback_decision(
        turn(1, commits=True), hand_bundle().policy, code="first_physical", text="x"
    )
    assert why_abstained(decision) is None
    for code in ABSTENTIONS:
        reasons = (*decision.reasons, Reason(code=code, event_id="e1", bits=0.0, text="x"))
        assert why_abstained(replace(decision, abstained=True, reasons=reasons)) == code
