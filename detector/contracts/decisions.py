"""What goes out: the decision on one event, with its reasons.

A decision holds no clock reading of ours: replaying the same log with the same bundle gives the same bytes.
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
    "severity",
    "strictest",
    "why_abstained",
]

#: The codes of why the policy's rule stands in for the judge; each is that of a reason of the decision.
ABSTENTIONS = ("judge_failed", "too_little_calibration", "unknown_intent")


class Verdict(StrEnum):
    """The answer to "did anybody mean this chain?"."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    BLOCK = "block"


class Enforcement(StrEnum):
    """Whether the verdict takes effect or is only recorded."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


class Rung(StrEnum):
    """Which step of the ladder a decision stands on, best first."""

    WORKER = "worker"
    GATEWAY = "gateway"
    POLICY = "policy"


class RiskClass(StrEnum):
    """What a command can do, mildest first."""

    READ_ONLY = "read_only"
    REVERSIBLE = "reversible"
    PRIVATE_OUTBOUND = "private_outbound"
    PURCHASE = "purchase"
    PHYSICAL = "physical"


#: The classes whose commands can be taken back, or change nothing.
MILD = frozenset({RiskClass.READ_ONLY, RiskClass.REVERSIBLE})


def severity(risk: RiskClass) -> int:
    """Return a class's place in order, the mildest first."""
    return list(RiskClass).index(risk)


def strictest(*risks: RiskClass) -> RiskClass:
    """Return the class that can do the most harm.

    >>> strictest(RiskClass.PURCHASE, RiskClass.READ_ONLY).value
    'purchase'
    """
    return max(risks, key=severity)


class ConfirmMethod(StrEnum):
    """How somebody can be asked."""

    SPOKEN = "spoken"
    CHALLENGE = "challenge"
    PHONE_PUSH = "phone_push"
    PIN = "pin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One contribution to a verdict: a code, the event that it is about, its weight in bits, a plain sentence.

    Positive bits speak for a misfire. A rule without a weight (no bundle, no data) has 0.0 bits.
    """

    code: str
    event_id: str
    bits: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One of the likeliest events in the place of the chain's most surprising one, with its probability."""

    intent: str
    act: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """How to ask, and what an answer is bound to.

    ``methods`` are those that are safe enough in this case, in order of expected cost: the likelier a misfire, the safer the first.
    An answer counts until ``expires_at``, once, and for a command with these ``slots`` only. ``challenge`` are the words to be said
    where that way is chosen. ``confirmation_id`` is ``None`` where nobody could check an answer: on the policy rung.
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

    ``misfire_probability`` and ``p_value`` are ``None`` where no judgement was made: on an event that does not commit, and on
    the policy rung. ``surprisal_bits`` is the chain's, summed; higher is rarer. ``abstained`` says that the
    judge could not know and the policy's rule answered: training never saw the intent (a reason with the code ``unknown_intent``), the
    risk class has too few commands to calibrate on (``too_little_calibration``), or the judge gave no number (``judge_failed``).
    ``degraded`` says that the answer comes from below the first rung.
    ``clock_replaced`` says that the device's clock was too far from the log's to be believed (``clocks.py``).
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


def why_abstained(decision: Decision) -> str | None:
    """Return the code of why the judge abstained, which need not be the first of the reasons; ``None`` where it did not."""
    if not decision.abstained:
        return None
    return next((reason.code for reason in decision.reasons if reason.code in ABSTENTIONS), None)


def decision_id(event_id: str, bundle: str) -> str:
    """Derive a decision's id from the event's and the bundle's, so that a replay gives the same one.

    >>> decision_id("e1", "b1") == decision_id("e1", "b1") != decision_id("e1", "b2")
    True
    """
    return hashlib.blake2b(f"{event_id}\0{bundle}".encode(), digest_size=16).hexdigest()
