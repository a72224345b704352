"""The cost model: what each mistake costs, and the verdict of least expected cost.

``parsing.py`` reads a policy from its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detector.contracts.decisions import MILD, ConfirmMethod, Enforcement, RiskClass, Verdict
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
    """A confirmation method.

    Attributes:
        friction: cost of the question to a user who meant the command, in the policy's units.
        leak: the probability that a misfire passes the question, in [0, 1].
    """

    friction: float
    leak: float


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """The costs of one risk class, in the policy's units.

    Attributes:
        harm: cost of running a misfire.
        denial: cost of blocking a meant command.
        budget: the largest share of meant commands that may be interrupted, in [0, 1].
        fallback: the verdict if the model gives none.
        methods: the confirmation methods allowed for the class.
    """

    harm: float
    denial: float
    budget: float
    fallback: Verdict
    methods: tuple[ConfirmMethod, ...]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Limits of confirmations.

    Attributes:
        expires_seconds: how long an answer counts, from the log time of the event.
        most_open: the most questions that a household may have open at once.
        answer_bits: a spoken yes whose surprisal exceeds this confirms nothing.
    """

    expires_seconds: float = 60.0
    most_open: int = 3
    answer_bits: float = 8.0


@dataclass(frozen=True, slots=True)
class Fatigue:
    """Limits on repeated questions.

    Attributes:
        same_again_seconds: how long an answer, yes or no, also applies to the same command.
        growth: how much each recent question raises the friction of the next one, as a share.
        window_seconds: how long a question counts as recent.
    """

    same_again_seconds: float = 300.0
    growth: float = 0.5
    window_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class BlockBudget:
    """Limits on how many of a tenant's commands one worker may block; beyond them it confirms.

    Attributes:
        share: the largest share of recent commands that may be blocked.
        least_commands: with fewer commands in the window, the budget does not apply.
        window_seconds: length of the window, in log time.
    """

    share: float = 0.1
    least_commands: int = 200
    window_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Clock:
    """How far a device's clock may differ from log time, in seconds, and be used for habits."""

    skew_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Conversations:
    """When a conversation ends on its own: after silence, in seconds of log time, or many turns."""

    silence_seconds: float = 600.0
    turns: int = 64


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict of least expected cost, and the confirmation methods, the cheapest first."""

    verdict: Verdict
    cost: float
    methods: tuple[ConfirmMethod, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The costs of each risk class, the class of each intent, and the settings that all share.

    ``familiar`` names the physical commands that need no confirmation at their first use, and
    ``harms`` the intents whose misfires cost something else than those of their class.
    """

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
    familiar: IntentRules = field(default_factory=lambda: IntentRules(()))
    harms: tuple[tuple[IntentRules, float], ...] = ()

    def asks_first(self, intent: str) -> bool:
        """Return whether a household confirms a physical command the first time it gives it.

        It does unless ``[first_time]`` in the policy exempts the command. A word that suggests a
        physical command outweighs a pattern with a star.
        """
        return not _names(self.familiar, intent)

    def harm_of(self, intent: str, risk: RiskClass) -> float:
        """Return the cost of running a misfire of an intent whose class is ``risk``.

        The first of ``[[harms]]`` that names the intent applies, otherwise its class. A word that
        suggests a physical command outweighs a pattern with a star here as well.
        """
        return next(
            (harm for rules, harm in self.harms if _names(rules, intent)), self.classes[risk].harm
        )

    def classify(self, intent: str) -> Classified:
        """Return the class of an intent, and whether a rule names it (``intent_rules.py``)."""
        return self.intents.classify(intent)

    def risk_class(self, intent: str) -> RiskClass:
        """Return the class of an intent."""
        return self.intents.classify(intent).risk

    def is_harmful(self, intent: str) -> bool:
        """Return whether an intent does harm if it runs without being meant."""
        return self.risk_class(intent) not in MILD

    def at_least_confirm(self, risk: RiskClass, verdict: Verdict) -> Verdict:
        """Return the verdict with an allow replaced by a confirm, or by a block without methods."""
        if verdict is not Verdict.ALLOW:
            return verdict
        return Verdict.CONFIRM if self.classes[risk].methods else Verdict.BLOCK

    def rule(
        self,
        risk: RiskClass,
        misfire_probability: float,
        *,
        asked: int = 0,
        harm: float | None = None,
    ) -> Ruling:
        """Choose the verdict of least expected cost (minimum-risk decision; Berger 1985, 1.3).

        Args:
            risk: the class of the command.
            misfire_probability: the probability that the command was not meant.
            asked: how many questions the household was asked recently; each adds friction.
            harm: cost of running it if it was not meant; default: that of the class.
        """
        costs = self.classes[risk]
        harm = costs.harm if harm is None else harm
        methods = self.methods_for(risk, misfire_probability, asked=asked)
        options = [
            (misfire_probability * harm, 0, Verdict.ALLOW),
            ((1 - misfire_probability) * costs.denial, 2, Verdict.BLOCK),
        ]
        if methods:
            cost = self._confirm_cost(risk, methods[0], misfire_probability, asked)
            options.append((cost, 1, Verdict.CONFIRM))
        cost, _, verdict = min(options)
        return Ruling(verdict, cost, methods)

    def cost(
        self,
        risk: RiskClass,
        verdict: Verdict,
        *,
        misfire: bool,
        methods: Sequence[ConfirmMethod] = (),
        harm: float | None = None,
    ) -> float:
        """Return the cost of a verdict on a command that is known to be a misfire or meant.

        Args:
            risk: the class of the command.
            verdict: the verdict; a question counts as an allow if there is no method to ask by.
            misfire: whether the command was not meant.
            methods: the confirmation methods that are offered; the first one is used.
            harm: cost of running it if it was not meant; default: that of the class.
        """
        costs = self.classes[risk]
        harm = costs.harm if harm is None else harm
        if verdict is Verdict.BLOCK:
            return 0.0 if misfire else costs.denial
        if verdict is Verdict.ALLOW or not methods:
            return harm if misfire else 0.0
        way = self.methods[methods[0]]
        return way.friction + (harm * way.leak if misfire else 0.0)

    def methods_for(
        self, risk: RiskClass, misfire_probability: float, *, asked: int = 0
    ) -> tuple[ConfirmMethod, ...]:
        """Return the confirmation methods that are safe enough here, the cheapest first.

        The cost is the expected one, so the likelier a misfire, the safer the first method. If no
        method is safe enough, the safest one is returned alone.
        """
        cheapest_first = sorted(
            self.classes[risk].methods,
            key=lambda method: self._confirm_cost(risk, method, misfire_probability, asked),
        )
        enough = tuple(
            method for method in cheapest_first if self.suffices(risk, method, misfire_probability)
        )
        return enough or self.safest(risk)

    def safest(self, risk: RiskClass) -> tuple[ConfirmMethod, ...]:
        """Return the method with the lowest leak alone, or nothing if the class has no methods."""
        return tuple(
            sorted(self.classes[risk].methods, key=lambda method: self.methods[method].leak)[:1]
        )

    def suffices(self, risk: RiskClass, method: ConfirmMethod, misfire_probability: float) -> bool:
        """Return whether a yes by ``method`` makes it cheaper to run the command than to refuse it.

        A yes multiplies the odds of a misfire by ``leak`` (Bayes, if a user who meant the command
        always says yes).
        """
        costs = self.classes[risk]
        harm = misfire_probability * self.methods[method].leak * costs.harm
        return harm <= (1 - misfire_probability) * costs.denial

    def _confirm_cost(
        self, risk: RiskClass, method: ConfirmMethod, misfire_probability: float, asked: int
    ) -> float:
        setting = self.methods[method]
        friction = setting.friction * (1 + self.fatigue.growth * asked)
        return friction + misfire_probability * self.classes[risk].harm * setting.leak


def _names(rules: IntentRules, intent: str) -> bool:
    found = rules.classify(intent)
    return found.named and found.risk is not RiskClass.PHYSICAL
