"""What a mistake costs, and the verdict that costs least. ``policy_text.py`` reads a policy from its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detector.contracts.decisions import ConfirmMethod, Enforcement, RiskClass, Verdict
from detector.policy.intent_rules import Classified, IntentRules

__all__ = [
    "BlockBudget",
    "ClassPolicy",
    "Confirmation",
    "Fatigue",
    "MethodPolicy",
    "Policy",
    "Ruling",
]


@dataclass(frozen=True, slots=True)
class MethodPolicy:
    """What a way of asking costs somebody who meant it, and the chance that a misfire passes it, in [0, 1]."""

    friction: float
    leak: float


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """One risk class: costs in the policy's units, budget as a share of meant commands, fallback without a verdict."""

    harm: float
    denial: float
    budget: float
    fallback: Verdict
    methods: tuple[ConfirmMethod, ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How long an answer counts, how many questions a household may have open, and what a spoken yes may look like.

    ``expires_seconds`` are counted from the log's time of the event. A spoken yes of more than ``answer_bits`` bits confirms nothing.
    """

    expires_seconds: float = 60.0
    most_open: int = 3
    answer_bits: float = 8.0


@dataclass(frozen=True, slots=True)
class Fatigue:
    """Asking less where it was asked before.

    For ``same_again_seconds`` after its answer the same command is not asked about again: a yes still holds, and so does a no. Every
    question of the last ``window_seconds`` makes the next one dearer by ``growth``, as a share of its friction.
    """

    same_again_seconds: float = 300.0
    growth: float = 0.5
    window_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class BlockBudget:
    """How many of a tenant's commands a worker may block, as a share of those of about the last ``window_seconds`` of the log's time.

    Past it, blocks become confirms. Fewer than ``least_commands`` say nothing yet.
    """

    share: float = 0.1
    least_commands: int = 200
    window_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Clock:
    """A device's clock is believed for habits where it is at most ``skew_seconds`` ahead of the log's or behind it."""

    skew_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Conversations:
    """When a conversation ends that no runtime ends: after ``silence_seconds`` by the log's time, and after ``turns``."""

    silence_seconds: float = 600.0
    turns: int = 64


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict of least expected cost, and the methods to confirm with, the cheapest first."""

    verdict: Verdict
    cost: float
    methods: tuple[ConfirmMethod, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Costs per risk class, which intent is of which class, and what holds for all of them."""

    text: str
    version: str
    base_rate: float
    enforcement: Enforcement
    undo_window_seconds: float
    methods: Mapping[ConfirmMethod, MethodPolicy]
    classes: Mapping[RiskClass, ClassPolicy]
    intents: IntentRules
    confirmation: Confirmation = Confirmation()
    fatigue: Fatigue = Fatigue()
    block_budget: BlockBudget = BlockBudget()
    clock: Clock = Clock()
    conversations: Conversations = Conversations()

    def classify(self, intent: str) -> Classified:
        """Return an intent's class, and whether a rule names the intent (``intent_rules.py``)."""
        return self.intents.classify(intent)

    def risk_class(self, intent: str) -> RiskClass:
        """Return an intent's class."""
        return self.intents.classify(intent).risk

    def asked(self, risk: RiskClass, verdict: Verdict) -> Verdict:
        """Return a verdict under which a command does not run unasked: what would be allowed is asked about, or blocked."""
        if verdict is not Verdict.ALLOW:
            return verdict
        return Verdict.CONFIRM if self.classes[risk].methods else Verdict.BLOCK

    def rule(self, risk: RiskClass, misfire_probability: float, *, asked: int = 0) -> Ruling:
        """Choose the verdict of least expected cost (minimum-risk decision; Berger 1985, section 1.3).

        Args:
            risk: the command's class.
            misfire_probability: the chance that nobody meant it.
            asked: questions that the household was asked of late; each makes another one dearer.
        """
        costs = self.classes[risk]
        methods = self.methods_for(risk, misfire_probability, asked=asked)
        ways = [
            (misfire_probability * costs.harm, 0, Verdict.ALLOW),
            ((1 - misfire_probability) * costs.denial, 2, Verdict.BLOCK),
        ]
        if methods:
            cost = self._confirm_cost(risk, methods[0], misfire_probability, asked)
            ways.append((cost, 1, Verdict.CONFIRM))
        cost, _, verdict = min(ways)
        return Ruling(verdict, cost, methods)

    def methods_for(
        self, risk: RiskClass, misfire_probability: float, *, asked: int = 0
    ) -> tuple[ConfirmMethod, ...]:
        """Return the ways of asking that are safe enough in this case, the one of least expected cost first.

        The likelier a misfire, the safer the first of them. Where none is safe enough, and yet has to be asked, it is the safest alone.
        """
        ways = sorted(
            self.classes[risk].methods,
            key=lambda method: self._confirm_cost(risk, method, misfire_probability, asked),
        )
        enough = tuple(
            method for method in ways if self.suffices(risk, method, misfire_probability)
        )
        return enough or self.safest(risk)

    def safest(self, risk: RiskClass) -> tuple[ConfirmMethod, ...]:
        """Return the class's way of asking that a misfire passes least, alone; nothing where the class has none."""
        return tuple(
            sorted(self.classes[risk].methods, key=lambda method: self.methods[method].leak)[:1]
        )

    def suffices(self, risk: RiskClass, method: ConfirmMethod, misfire_probability: float) -> bool:
        """Return whether a yes by ``method`` would make it cheaper to run the command than to refuse it.

        After a yes, the odds of a misfire are smaller by the factor ``leak`` (Bayes; somebody who meant it says yes).
        """
        costs = self.classes[risk]
        harm = misfire_probability * self.methods[method].leak * costs.harm
        return harm <= (1 - misfire_probability) * costs.denial

    def _confirm_cost(
        self, risk: RiskClass, method: ConfirmMethod, misfire_probability: float, asked: int
    ) -> float:
        way = self.methods[method]
        friction = way.friction * (1 + self.fatigue.growth * asked)
        return friction + misfire_probability * self.classes[risk].harm * way.leak
