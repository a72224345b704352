from __future__ import annotations

from dataclasses import replace

import pytest

from detector.contracts.decisions import Decision, Reason, Verdict
from detector.policy.fallback import fallback_decision
from streams.telemetry import metrics
from streams.telemetry.recording import caution_of, observe_command
from tests.detector.builders import event, policy

PHYSICAL = fallback_decision(
    event(intent="smartlock.Unlock", commits=True), policy(), code="late", text="Late."
)
ASKED = fallback_decision(
    event(intent="locks.Unlock", commits=True), policy(), code="late", text="Late."
)


def because(decision: Decision, *codes: str) -> Decision:
    reasons = tuple(Reason(code=code, event_id="e0", bits=0.0, text="Why.") for code in codes)
    return replace(decision, reasons=reasons)


@pytest.mark.parametrize(
    ("codes", "verdict", "caution"),
    [
        (("unclassified_intent",), Verdict.CONFIRM, "unclassified_intent"),
        (("unclassified_intent",), Verdict.BLOCK, "unclassified_intent"),
        (("first_physical_command", "unclassified_intent"), Verdict.CONFIRM, "unclassified_intent"),
        (("unknown_intent", "first_physical_command"), Verdict.CONFIRM, "first_physical_command"),
        (("confirmed_before", "first_physical_command"), Verdict.ALLOW, None),
        (("unknown_intent",), Verdict.CONFIRM, None),
    ],
)
def test_a_cautious_verdict_has_its_reason(
    codes: tuple[str, ...], verdict: Verdict, caution: str | None
) -> None:
    assert caution_of(replace(because(ASKED, *codes), verdict=verdict)) == caution


def test_a_caution_is_counted_once_by_class_and_reason() -> None:
    def counted(reason: str) -> float:
        return float(metrics.CAUTIONS.labels("physical", reason)._value.get())

    before = counted("unclassified_intent"), counted("first_physical_command")
    observe_command(PHYSICAL, new=True, known=False)
    observe_command(because(ASKED, "first_physical_command"), new=True, known=True)
    observe_command(ASKED, new=True, known=True)
    assert (counted("unclassified_intent"), counted("first_physical_command")) == (
        before[0] + 1,
        before[1] + 1,
    )
