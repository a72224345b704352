from __future__ import annotations

import pytest

from detector.contracts.decisions import Rung, Verdict
from detector.contracts.errors import MisfireError
from detector.decision import failing_closed
from detector.decision.decide import decide
from detector.decision.failing_closed import decide_or_fall_back
from detector.decision.rule_set import RuleSet
from detector.household.state import HouseholdState
from tests.detector.builders import event, hand_bundle
from tests.detector.rules import rule, rule_set

NEW = HouseholdState.new("h1")


def test_without_an_error_it_is_decide() -> None:
    one, bundle = event(), hand_bundle()
    decision, state, error = decide_or_fall_back(NEW, one, bundle, at=one.seconds)
    assert (decision, state) == decide(NEW, one, bundle, at=one.seconds)
    assert error is None


def test_an_error_of_the_core_gives_the_policys_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = MisfireError("broken")

    def fail(*_: object, **__: object) -> None:
        raise broken

    monkeypatch.setattr(failing_closed, "decide", fail)
    one = event(commits=True)
    decision, state, error = decide_or_fall_back(NEW, one, hand_bundle(), at=one.seconds)
    assert (state, error) == (NEW, broken)
    assert (decision.verdict, decision.rung) == (Verdict.CONFIRM, Rung.WORKER)
    assert (decision.degraded, decision.reasons[0].code) == (True, "internal_error")


def test_rules_that_fail_leave_the_policys_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = MisfireError("broken")

    def fail(*_: object) -> None:
        raise broken

    monkeypatch.setattr(RuleSet, "matching", fail)
    one = event(commits=True)
    decision, state, error = decide_or_fall_back(
        NEW, one, hand_bundle(), at=one.seconds, rules=rule_set(rule())
    )
    assert (state, error) == (NEW, broken)
    assert decision.verdict is Verdict.CONFIRM
    assert [each.code for each in decision.reasons] == ["internal_error", "rules_failed"]
