"""Golden cases as data: events in; verdict, reasons and audit record out.

Each file in ``decisions/`` is a conversation in wire format. For every decision it gives the
expected fields of its JSON (``want``), the codes of its reasons (``codes``), or the whole record
(``record``), in which ``<number>`` and ``<text>`` match any number or text.

The bundle is the hand-made one of ``tests/detector/builders.py``. Its judge only uses the wake
word's confidence, so no case depends on a trained number. A confidence of 0.9, or none, speaks
against a misfire (-6 bits), 0.4 speaks for one (+6), and 0.1 leaves no doubt (+40).

A step ``answer`` answers the last question. It is bound as the question was, except for the fields
that it changes. ``words: challenge`` gives the right words, and ``proof: valid`` a proof made with
the right key. A step ``outcome`` names the expected refusal in ``refused``, if there is one. With
``key: false``, the worker has no key for proofs. ``classes`` are rules, intents by class, that
precede those of the packaged policy.

``chains/`` contains the chain after each event, ``policy/`` the packaged policy's verdict at a
misfire probability.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, proof_of
from detector.contracts.decisions import ConfirmMethod, Decision, RiskClass, Rung
from detector.contracts.events import Act, IntentEvent, Outcome
from detector.decision.answers import answer
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.household.chains import extend
from detector.household.outcomes import report
from detector.household.state import Chain, HouseholdState
from detector.judge.calibration import Calibration
from detector.policy.fallback import fallback_decision
from streams.wire.records import DECISION
from tests.detector.builders import POLICY_TEXT, event, hand_bundle, hand_calibration, policy

HERE = Path(__file__).parent
EVENT: TypeAdapter[IntentEvent] = TypeAdapter(IntentEvent)
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
ANSWER: TypeAdapter[ConfirmationAnswer] = TypeAdapter(ConfirmationAnswer)
RESULT: TypeAdapter[ConfirmationResult] = TypeAdapter(ConfirmationResult)
STATE: TypeAdapter[HouseholdState] = TypeAdapter(HouseholdState)

#: The key of the proofs.
KEY = b"the key of the tests"

Case = dict[str, Any]


def cases(kind: str) -> list[Any]:
    found = [
        pytest.param(json.loads(path.read_text("utf-8")), id=path.stem)
        for path in sorted((HERE / kind).glob("*.json"))
    ]
    assert found, f"there is no case in {kind}/"
    return found


def bundle_of(case: Case) -> Bundle:
    calibration = hand_calibration(case.get("calibration", 2000))
    if "usual_up_to" in case:
        scores = np.linspace(-20.0, case["usual_up_to"], 2000)
        calibration = Calibration(dict.fromkeys(calibration.scores, scores))
    text = POLICY_TEXT
    for risk, names in case.get("classes", {}).items():
        rule = f'[[intents]]\nclass = "{risk}"\npatterns = {names}\n\n[[intents]]'
        text = text.replace("[[intents]]", rule, 1)
    return hand_bundle(calibration=calibration, rules=policy(text, **case.get("policy", {})))


@pytest.mark.parametrize("case", cases("decisions"))
def test_golden_decisions_are_reproduced(case: Case) -> None:
    bundle, household = bundle_of(case), case["defaults"]["household_id"]
    rung, keyed = Rung(case.get("rung", "worker")), case.get("key", True)
    state, asked = HouseholdState.new(household), None
    for number, step in enumerate(case["steps"]):
        state = STATE.validate_json(STATE.dump_json(state))  # as stored in the changelog topic
        if "outcome" in step:
            outcome = OUTCOME.validate_python(step["outcome"] | {"household_id": household})
            refused, state = report(state, outcome, at=outcome.time.timestamp())
            assert refused == step.get("refused"), f"step {number}"
            continue
        if "answer" in step:
            given = answered(asked, step["answer"], case["defaults"], number)
            result, state = answer(
                state,
                given,
                bundle,
                at=given.time.timestamp(),
                key=KEY if step.get("key", keyed) else None,
            )
            found = json.loads(RESULT.dump_json(result))
            assert matches({key: found[key] for key in step["want"]}, step["want"], partly=True), (
                f"step {number}: {found}"
            )
            continue
        if "event" in step:
            heard = EVENT.validate_python(case["defaults"] | step["event"])
            decision, state = decide(
                state, heard, bundle, at=heard.seconds, rung=rung, proofs=keyed
            )
        else:
            heard = EVENT.validate_python(case["defaults"] | step["fallback"])
            decision = fallback_decision(
                heard, bundle.policy, code="no_bundle", text="There is no bundle."
            )
        assert_wanted(json.loads(DECISION.encode(decision)), step, f"step {number}")
        asked = decision if decision.confirm else asked
    assert_afterwards(state, case)


def answered(
    asked: Decision | None, fields: Case, defaults: Case, number: int
) -> ConfirmationAnswer:
    """Return an answer bound as the question was, with ``fields`` changed."""
    assert asked is not None
    assert asked.confirm is not None
    confirm = asked.confirm
    bound: Case = {
        "confirmation_id": confirm.confirmation_id,
        "answer_id": f"a{number}",
        "household_id": asked.household_id,
        "session_id": asked.session_id,
        "intent": asked.intent,
        "slots": dict(confirm.slots),
        "accepted": True,
    }
    if fields.get("proof") == "valid" and confirm.confirmation_id:
        method = ConfirmMethod(fields["method"])
        fields = fields | {"proof": proof_of(KEY, confirm.confirmation_id, method)}
    if fields.get("words") == "challenge":
        fields = fields | {"words": list(confirm.challenge)}
    if "heard" in fields:
        fields = fields | {
            "heard": defaults | {"intent": asked.intent, "commits": False} | fields["heard"]
        }
    return ANSWER.validate_json(json.dumps(bound | fields))


def assert_wanted(found: Case, step: Case, where: str) -> None:
    assert matches({key: found[key] for key in step["want"]}, step["want"], partly=True), (
        f"{where}: {found}"
    )
    if "codes" in step:
        assert [reason["code"] for reason in found["reasons"]] == step["codes"], where
    if "record" in step:
        assert matches(found, step["record"], partly=False), f"{where}: {json.dumps(found)}"


def assert_afterwards(state: HouseholdState, case: Case) -> None:
    if "learned" in case:
        assert sorted(state.intents) == case["learned"]
    if "pending" in case:
        assert [pending.event_id for pending in state.pending] == case["pending"]
    if "events" in case:
        assert state.events == case["events"]


def matches(found: Any, wanted: Any, *, partly: bool) -> bool:
    """Return whether a JSON value matches; ``partly`` ignores extra keys below the first level."""
    if wanted == "<number>":
        return isinstance(found, int | float) and math.isfinite(found)
    if wanted == "<text>":
        return isinstance(found, str) and bool(found)
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys_match = wanted.keys() <= found.keys() if partly else wanted.keys() == found.keys()
        return keys_match and all(
            matches(found[key], value, partly=partly) for key, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(
            matches(one, other, partly=partly) for one, other in zip(found, wanted, strict=True)
        )
    return bool(found == wanted)


@pytest.mark.parametrize("case", cases("chains"))
def test_golden_chains_are_reproduced(case: Case) -> None:
    chain: Chain | None = None
    for turn, step in enumerate(case["steps"]):
        heard = event(turn, **step["event"] | {"act": Act(step["event"]["act"])})
        chain = extend(chain, heard, turn=turn, bits=1.0, known={})
        found = [chain.intent, chain.start, len(chain.bits)] if chain else None
        assert found == step["chain"], f"after turn {turn}"
        chain = None if heard.commits else chain


@pytest.mark.parametrize("case", cases("policy"))
def test_golden_verdicts_of_the_policy_are_reproduced(case: Case) -> None:
    packaged = policy()
    for step in case["steps"]:
        ruling = packaged.rule(RiskClass(case["class"]), step["misfire_probability"])
        assert ruling.verdict == step["verdict"], step
        if "method" in step:
            assert ruling.methods[0] == step["method"], step


def test_every_risk_class_has_a_policy_case() -> None:
    assert {case.values[0]["class"] for case in cases("policy")} == set(RiskClass)


@pytest.mark.parametrize("kind", ["decisions", "chains", "policy"])
def test_every_case_has_a_reason(kind: str) -> None:
    assert all(case.values[0]["why"].endswith(".") for case in cases(kind))
