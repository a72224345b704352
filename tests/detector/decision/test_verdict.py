"""From a judgement to a verdict, with the hand-made judge."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.standing import Standing
from detector.decision.verdict import judge_chain, judge_chains, rule_on
from detector.evidence import Moment, evidence
from detector.household.state import HouseholdState, Pending
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS, Calibration, Rank
from detector.judge.judge import misfire_probability
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    POLICY_TEXT,
    RATIO_BITS,
    SURE,
    hand_bundle,
    hand_calibration,
    policy,
)
from tests.detector.moments import moment_of, send

RISK = RiskClass.PRIVATE_OUTBOUND
BUNDLE = hand_bundle()


@pytest.mark.parametrize("wake", [SURE, DOUBTFUL, ABSURD])
def test_a_judgement_is_the_judges_bits_at_the_policys_base_rate(wake: float) -> None:
    judgement = judge_chain(send(wake), BUNDLE, RISK)
    assert judgement.ratio_bits == RATIO_BITS[wake]
    assert (
        judgement.ratio_bits
        == BUNDLE.judge.offset_bits + BUNDLE.judge.contributions(judgement.values).sum()
    )
    assert judgement.misfire_probability == misfire_probability(RATIO_BITS[wake], 0.001)


def test_a_batch_of_chains_is_judged_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [send(wake) for wake in (ABSURD, SURE, None, DOUBTFUL)]
    fails = moments[1]

    def evidence_or_failure(moment: Moment) -> npt.NDArray[np.float64]:
        if moment is fails:
            raise ValueError("math domain error")
        return evidence(moment)

    monkeypatch.setattr("detector.decision.verdict.evidence", evidence_or_failure)
    judged = judge_chains(moments, BUNDLE, [RISK] * 4)

    assert [each.failed for each in judged] == [False, True, False, False]
    for moment, each in zip(moments, judged, strict=True):
        alone = judge_chain(moment, BUNDLE, RISK)
        np.testing.assert_equal(
            (each.ratio_bits, each.misfire_probability, each.p_value, each.values),
            (alone.ratio_bits, alone.misfire_probability, alone.p_value, alone.values),
        )
    assert judge_chains([], BUNDLE, []) == []


@pytest.mark.parametrize(
    ("wake", "verdict"),
    [(SURE, Verdict.ALLOW), (DOUBTFUL, Verdict.CONFIRM), (ABSURD, Verdict.BLOCK)],
)
def test_the_cheapest_verdict_is_chosen(wake: float, verdict: Verdict) -> None:
    moment = send(wake)
    ruling = rule_on(moment, judge_chain(moment, BUNDLE, RISK), BUNDLE, RISK)
    assert (ruling.verdict, ruling.abstained, ruling.reasons) == (verdict, False, ())


@pytest.mark.parametrize(("p_value", "verdict"), [(0.01, Verdict.BLOCK), (0.010001, Verdict.ALLOW)])
def test_the_budget_takes_precedence_over_costs(p_value: float, verdict: Verdict) -> None:
    moment = send(ABSURD)
    judgement = replace(judge_chain(moment, BUNDLE, RISK), rank=Rank(p_value, 0.01))
    assert rule_on(moment, judgement, BUNDLE, RISK).verdict is verdict


@pytest.mark.parametrize("risk", RiskClass)
def test_without_calibration_the_class_fallback_answers_and_is_marked(risk: RiskClass) -> None:
    moment = send(ABSURD)
    bundle = hand_bundle(calibration=hand_calibration(per_category=0))
    judgement = judge_chain(moment, bundle, risk)
    ruling = rule_on(moment, judgement, bundle, risk)
    assert judgement.p_value is None
    assert (ruling.verdict, ruling.abstained) == (bundle.policy.classes[risk].fallback, True)
    assert [reason.code for reason in ruling.reasons] == ["too_little_calibration"]
    assert risk.value in ruling.reasons[0].text


@pytest.mark.parametrize("wake", [SURE, ABSURD])
def test_a_harmful_intent_that_is_new_to_model_and_household_is_not_judged(wake: float) -> None:
    moment = moment_of("oven.Ignite", wake)
    risk = RiskClass.PHYSICAL
    ruling = rule_on(moment, judge_chain(moment, BUNDLE, risk), BUNDLE, risk)
    assert (ruling.verdict, ruling.abstained) == (Verdict.CONFIRM, True)
    assert [(reason.code, reason.bits) for reason in ruling.reasons] == [("unknown_intent", 0.0)]


@pytest.mark.parametrize(("learned", "p_value"), [(0, 1 / 1001), (NEW_HOUSEHOLD_SESSIONS, 1.0)])
def test_a_new_household_is_compared_with_new_households(learned: int, p_value: float) -> None:
    usual = hand_calibration(per_category=1000).scores
    calibration = Calibration(
        {(RISK, True): usual[RISK, True], (RISK, False): usual[RISK, False] + 1000}
    )
    moment = send(DOUBTFUL)
    moment = replace(moment, household=replace(HouseholdState.new("h1"), learned=learned))
    assert judge_chain(moment, hand_bundle(calibration=calibration), RISK).p_value == p_value


def test_a_held_back_command_without_methods_is_blocked() -> None:
    """An unconfirmed chain may not run; if its class has no confirmation methods, it is blocked."""
    text = POLICY_TEXT.replace(
        'fallback = "confirm"\nmethods = ["phone_push", "challenge", "pin"]',
        'fallback = "block"\nmethods = []',
    )
    bundle = hand_bundle(rules=policy(text))
    moment = send(SURE)
    refused = Pending(
        event_id="e9",
        session_id="s1",
        intent=moment.event.intent,
        seconds=0.0,
        tokens=(),
        standing=Standing.BLOCKED,
    )
    moment = replace(moment, household=replace(moment.household, pending=(refused,)))
    ruling = rule_on(moment, judge_chain(moment, bundle, RISK), bundle, RISK)
    assert ruling.verdict is Verdict.BLOCK
    assert [reason.code for reason in ruling.reasons] == ["awaiting_confirmation"]
