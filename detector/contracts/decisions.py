"""The decision on one event, and the values it consists of.

A decision contains no reading of a local clock: replaying the same log with the same bundle gives
the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = [
    "ABSTENTIONS",
    "MILD",
    "Confirm",
    "ConfirmMethod",
    "Decision",
    "Enforcement",
    "Expected",
    "Reason",
    "RiskClass",
    "Rung",
    "Verdict",
    "decision_id",
    "is_command",
    "is_lifted",
    "severity",
    "strictest",
    "verdict_of_model",
    "why_abstained",
]

#: Codes of the reasons for which the policy's rule replaces the judge.
ABSTENTIONS = ("judge_failed", "too_little_calibration", "unknown_intent")


class Verdict(StrEnum):
    """What the runtime should do with a command."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    BLOCK = "block"


class Enforcement(StrEnum):
    """Whether the verdict takes effect or is only recorded."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


class Rung(StrEnum):
    """The component that made a decision, best first."""

    WORKER = "worker"
    GATEWAY = "gateway"
    POLICY = "policy"


class RiskClass(StrEnum):
    """The harm that a command can do, mildest first."""

    READ_ONLY = "read_only"
    REVERSIBLE = "reversible"
    PRIVATE_OUTBOUND = "private_outbound"
    PURCHASE = "purchase"
    PHYSICAL = "physical"


#: The classes whose commands change nothing or can be undone.
MILD = frozenset({RiskClass.READ_ONLY, RiskClass.REVERSIBLE})


def severity(risk: RiskClass) -> int:
    """Return the position of a class in order of harm, 0 for the mildest."""
    return list(RiskClass).index(risk)


def strictest(*risks: RiskClass) -> RiskClass:
    """Return the class that can do the most harm.

    >>> strictest(RiskClass.PURCHASE, RiskClass.READ_ONLY).value
    'purchase'
    """
    return max(risks, key=severity)


class ConfirmMethod(StrEnum):
    """How the user can confirm a command."""

    SPOKEN = "spoken"
    CHALLENGE = "challenge"
    PHONE_PUSH = "phone_push"
    PIN = "pin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One contribution to a verdict: a code, the event it concerns, its weight and a sentence.

    Positive bits are evidence for a misfire. A rule without a weight (no bundle, no data) has 0.0
    bits.
    """

    code: str
    event_id: str
    bits: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An event that was likelier than the chain's most surprising one, with its probability."""

    intent: str
    act: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """How to ask for a confirmation, and the conditions under which an answer is valid.

    ``methods`` are the methods that are safe enough for this command, in order of expected cost:
    the likelier a misfire, the safer the first method. One answer is valid, until ``expires_at``,
    for a command with these ``slots``. ``challenge`` are the words that the user has to say if the
    method is ``challenge``. ``confirmation_id`` is ``None`` on the policy rung, where no component
    can check an answer.
    """

    methods: tuple[ConfirmMethod, ...]
    prompt: str
    confirmation_id: str | None = None
    expires_at: datetime | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    challenge: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision on one event.

    ``misfire_probability`` and ``p_value`` are ``None`` if the event was not judged: it does not
    commit, or the decision was made on the policy rung. ``surprisal_bits`` is the sum over the
    chain and ``event_bits`` that of this event, both in bits; higher is rarer.

    ``abstained`` means that the judge had no basis for a judgement and the policy's rule decided.
    A reason's code explains why: too few households used a harmful intent in training and this
    household never did (``unknown_intent``), the risk class has too few commands to calibrate on
    (``too_little_calibration``), or the judge did not return a number (``judge_failed``).

    ``degraded`` means that a rung below the worker made the decision. ``clock_replaced`` means that
    the device's clock differed too much from the log's to be used (``clocks.ahead``).

    ``rule`` is the id of the rule that changed the verdict, or gave the intent its class. The first
    reason, after the cause of a degraded decision, says whose it is, and why. ``model_verdict`` is
    the verdict before a rule changed it.
    ``rules`` is the version of the rules that could concern the household (``rule_set.py``).
    """

    decision_id: str
    event_id: str
    household_id: str
    session_id: str
    intent: str
    verdict: Verdict
    effective_verdict: Verdict
    enforcement: Enforcement
    rung: Rung
    risk_class: RiskClass
    bundle: str
    misfire_probability: float | None = None
    p_value: float | None = None
    surprisal_bits: float = 0.0
    event_bits: float = 0.0
    reasons: tuple[Reason, ...] = ()
    expected: tuple[Expected, ...] = ()
    confirm: Confirm | None = None
    abstained: bool = False
    degraded: bool = False
    clock_replaced: bool = False
    model_verdict: Verdict | None = None
    rule: str | None = None
    rules: str | None = None


def why_abstained(decision: Decision) -> str | None:
    """Return the code of the reason for which the judge abstained, or ``None`` if it judged.

    The reason is not necessarily the first one.
    """
    if not decision.abstained:
        return None
    return next((reason.code for reason in decision.reasons if reason.code in ABSTENTIONS), None)


def verdict_of_model(decision: Decision) -> Verdict:
    """Return the verdict that the decision would have without a rule."""
    return decision.model_verdict or decision.verdict


def is_command(decision: Decision) -> bool:
    """Return whether a decision is on a command that a model judged or abstained on."""
    return decision.misfire_probability is not None or decision.abstained


def is_lifted(decision: Decision) -> bool:
    """Return whether only a rule let the command run."""
    return decision.verdict is Verdict.ALLOW is not verdict_of_model(decision)


def decision_id(event_id: str, bundle: str) -> str:
    """Derive a decision's id from the ids of the event and the bundle; a replay gives the same id.

    >>> decision_id("e1", "b1") == decision_id("e1", "b1") != decision_id("e1", "b2")
    True
    """
    return hashlib.blake2b(f"{event_id}\0{bundle}".encode(), digest_size=16).hexdigest()
