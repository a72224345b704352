"""Builders of test values: events with defaults, small sessions, and a bundle with known numbers.

The judge of ``hand_bundle`` uses the confidence of the wake word alone. A test selects the judge's
ratio in bits by the ``wake_confidence`` of an event, and the policy's costs give the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from detector.contracts.confirmations import ConfirmationAnswer, Result, proof_of
from detector.contracts.decisions import ConfirmMethod, Decision, RiskClass
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.decision.answers import answer
from detector.decision.bundle import Bundle, make_bundle
from detector.decision.decide import decide
from detector.decision.training_report import OURS, Data, Readiness, TrainingReport
from detector.evidence import TERMS
from detector.evidence.drift import Distribution
from detector.household.state import HouseholdState
from detector.judge.calibration import Calibration, Category, Thin
from detector.judge.judge import Judge
from detector.policy.parsing import parse_policy
from detector.policy.policy import Policy
from detector.population.model import Model
from detector.training.fit_model import fit_model

#: A Monday, 18:00; the times of all tests begin here.
START = datetime(2026, 1, 5, 18, tzinfo=UTC)

POLICY_TEXT = (Path(__file__).parents[2] / "streams" / "files" / "policy.toml").read_text("utf-8")

#: The confidence of the wake word -> the ratio in bits of ``hand_judge``.
SURE, DOUBTFUL, ABSURD = 0.9, 0.4, 0.1
RATIO_BITS = {SURE: -6.0, DOUBTFUL: 6.0, ABSURD: 40.0}


def event(number: int = 0, /, **fields: Any) -> IntentEvent:
    """Return an event at ``START`` plus ``number`` times ten seconds, with the given fields."""
    defaults: dict[str, Any] = {
        "event_id": f"e{number}",
        "time": START + timedelta(seconds=10 * number),
        "household_id": "h1",
        "device_id": "d1",
        "session_id": "s1",
        "intent": "messages.SendMessage",
        "act": Act.INITIATE,
        "commits": False,
    }
    return IntentEvent(**(defaults | fields))


def dialogue(
    *turns: tuple[str, Act, bool] | tuple[str, Act, bool, dict[str, str]],
    first: int = 0,
    session: str = "s1",
    days: float = 0.0,
    **fields: Any,
) -> list[IntentEvent]:
    """Return a session of (intent, act, commits[, slots]) turns, ten seconds apart.

    It begins ``days`` after ``START``.
    """
    return [
        event(
            first + number,
            time=START + timedelta(days=days, seconds=10 * number),
            session_id=session,
            intent=turn[0],
            act=turn[1],
            commits=turn[2],
            slots=turn[3] if len(turn) > 3 else {},
            **fields,
        )
        for number, turn in enumerate(turns)
    ]


def send_message(first: int = 0, contact: str = "k1_a44e", **fields: Any) -> list[IntentEvent]:
    """Return the three turns of Portland: initiate, inform a contact, affirm."""
    intent = "messages.SendMessage"
    return dialogue(
        (intent, Act.INITIATE, False),
        (intent, Act.INFORM, False, {"contact": contact}),
        (intent, Act.AFFIRM, True),
        first=first,
        **fields,
    )


def outcome(
    event_id: str,
    kind: OutcomeKind,
    *,
    household_id: str = "h1",
    source: OutcomeSource = OutcomeSource.RUNTIME,
    seconds: float = 0.0,
) -> Outcome:
    """Return an outcome ``seconds`` after ``START``."""
    return Outcome(
        event_id=event_id,
        household_id=household_id,
        outcome=kind,
        source=source,
        time=START + timedelta(seconds=seconds),
    )


#: The key of the proofs in tests.
CONFIRMATION_KEY = b"the key of the tests"


def given_to(decision: Decision, **fields: Any) -> ConfirmationAnswer:
    """Return a yes by PIN with its proof to a decision's question, 30 seconds after ``START``."""
    assert decision.confirm is not None
    assert decision.confirm.confirmation_id is not None
    defaults: dict[str, Any] = {
        "confirmation_id": decision.confirm.confirmation_id,
        "answer_id": "a1",
        "household_id": decision.household_id,
        "session_id": decision.session_id,
        "intent": decision.intent,
        "slots": dict(decision.confirm.slots),
        "method": ConfirmMethod.PIN,
        "accepted": True,
        "time": START + timedelta(seconds=30),
        "proof": proof_of(CONFIRMATION_KEY, decision.confirm.confirmation_id, ConfirmMethod.PIN),
    }
    return ConfirmationAnswer(**(defaults | fields))


def confirmed(
    decision: Decision, bundle: Bundle, state: HouseholdState, *, at: float | None = None
) -> HouseholdState:
    """Return the household after a proven yes to a decision's question.

    The answer arrives at the log's time ``at``, by default when the question expires.
    """
    assert decision.confirm is not None
    assert decision.confirm.expires_at is not None
    when = decision.confirm.expires_at if at is None else datetime.fromtimestamp(at, UTC)
    said = given_to(decision, time=when)
    result, state = answer(state, said, bundle, at=when.timestamp(), key=CONFIRMATION_KEY)
    assert result.result is Result.CONFIRMED, result
    return state


def policy(text: str = POLICY_TEXT, **replacements: str) -> Policy:
    """Return the packaged policy with the top-level lines ``key = …`` replaced."""
    lines = text.splitlines()
    for key, value in replacements.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in lines]
    return _parsed("\n".join(lines) + "\n")


@lru_cache
def _parsed(text: str) -> Policy:
    return parse_policy(text)


def training_sessions() -> list[list[IntentEvent]]:
    """Return ten small sessions of two households: messages, lights, and music after a search."""
    sessions: list[list[IntentEvent]] = []
    for number in range(5):
        sessions.append(
            send_message(100 * number, session=f"t{number}", days=float(number), household_id="t1")
        )
        sessions.append(
            dialogue(
                ("music.FindSongs", Act.INITIATE, False, {"artist": "k1_414a"}),
                ("music.PlaySong", Act.INITIATE, False),
                ("music.PlaySong", Act.AFFIRM, True),
                ("lights.TurnOn", Act.INITIATE, True, {"room": "k1_4a11"}),
                ("conversation.Thanks", Act.THANK, False),
                first=100 * number + 50,
                session=f"u{number}",
                days=float(number),
                household_id="t2",
            )
        )
    return sessions


@lru_cache
def small_model() -> Model:
    """Return the population model of ``training_sessions``."""
    return fit_model(training_sessions(), clones=3, iterations=5)


@lru_cache
def hand_judge(
    name: str = "wake_confidence",
    edges: tuple[float, float] = (0.25, 0.5),
    bits: tuple[float, float, float] = (RATIO_BITS[ABSURD], RATIO_BITS[DOUBTFUL], RATIO_BITS[SURE]),
) -> Judge:
    """Return a judge that uses one term: ``bits`` below, between and above the edges.

    A missing value gives the bits above the edges.
    """
    names = tuple(term.name for term in TERMS)
    # Node 0 compares with the first edge and node 2 with the second; 1, 3 and 4 are leaves.
    return Judge(
        names=names,
        roots=np.array([0]),
        term=np.full(5, names.index(name)),
        threshold=np.array([edges[0], np.inf, edges[1], np.inf, np.inf]),
        children=np.array([[1, 2], [1, 1], [3, 4], [3, 3], [4, 4]]),
        bits=np.array([0.0, bits[0], 0.0, bits[1], bits[2]]),
        offset_bits=0.0,
        depth=2,
    )


@lru_cache
def hand_calibration(per_category: int = 2000) -> Calibration:
    """Return meant commands that all score below ``SURE``; ``DOUBTFUL`` and ``ABSURD`` are rare."""
    scores = np.linspace(-20.0, RATIO_BITS[SURE], per_category)
    categories: list[Category] = [(risk, new) for risk in RiskClass for new in (False, True)]
    return Calibration(dict.fromkeys(categories, scores))


def hand_report(ours: float = 1.0, allow: float = 2.0, ask: float = 3.0) -> TrainingReport:
    """Return a training report with these costs of the decision rules; the default may enforce."""
    costs = {OURS: ours, "always allow": allow, "ask about every harmful command": ask}
    return TrainingReport(
        data=Data(source="builders of the tests", households=2, events=40, commands=15),
        readiness=Readiness(costs, {RiskClass.PHYSICAL: costs}),
        figures={"auroc": 0.9},
        thin=(Thin(RiskClass.PURCHASE, 44, 99, 0.022, False),),
    )


def hand_bundle(
    *,
    model: Model | None = None,
    judge: Judge | None = None,
    calibration: Calibration | None = None,
    rules: Policy | None = None,
    report: TrainingReport | None = None,
    training: Distribution | None = None,
) -> Bundle:
    """Return a bundle of the small model, a hand-made judge and calibration, and the policy."""
    if model or judge or calibration or rules or report or training:
        return make_bundle(
            model or small_model(),
            judge or hand_judge(),
            calibration or hand_calibration(),
            rules or policy(),
            report=report or hand_report(),
            training=training,
        )
    return _default_bundle()


@lru_cache
def _default_bundle() -> Bundle:
    return hand_bundle(report=hand_report())


def run(
    events: Sequence[IntentEvent], bundle: Bundle, state: HouseholdState | None = None
) -> tuple[list[Decision], HouseholdState]:
    """Decide on the events of one household in order; return the decisions and the state."""
    state = state or HouseholdState.new(events[0].household_id)
    decisions = []
    for each in events:
        decision, state = decide(state, each, bundle, at=each.seconds)
        decisions.append(decision)
    return decisions, state


def heard(events: Sequence[IntentEvent], wake: float | None) -> list[IntentEvent]:
    """Return the events with this confidence of the wake word."""
    return [replace(each, wake_confidence=wake) for each in events]
