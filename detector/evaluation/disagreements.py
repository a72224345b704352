"""Commands on which two bundles give different verdicts: counts by risk class, and some to read."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from detector.contracts.decisions import Decision, RiskClass, Verdict

__all__ = ["Disagreement", "Disagreements"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A command with two verdicts.

    Attributes:
        event_id: the command.
        intent: its intent.
        risk_class: the class of the intent under the first bundle.
        verdicts: the verdicts of the first and the second bundle.
        probabilities: their misfire probabilities.
        reasons: the first reason of each.
        chain: the turns of the conversation up to the command, as ``intent, act``.
        misfire: whether the command was a misfire, or ``None`` if that is not known.
    """

    event_id: str
    intent: str
    risk_class: RiskClass
    verdicts: tuple[Verdict, Verdict]
    probabilities: tuple[float | None, float | None]
    reasons: tuple[str, str]
    chain: tuple[str, ...]
    misfire: bool | None

    @classmethod
    def of(
        cls, ours: Decision, theirs: Decision, chain: tuple[str, ...], misfire: bool | None
    ) -> Disagreement:
        """Return the disagreement of two decisions on one command."""
        return cls(
            event_id=ours.event_id,
            intent=ours.intent,
            risk_class=ours.risk_class,
            verdicts=(ours.verdict, theirs.verdict),
            probabilities=(ours.misfire_probability, theirs.misfire_probability),
            reasons=(_reason(ours), _reason(theirs)),
            chain=chain,
            misfire=misfire,
        )

    @property
    def size(self) -> tuple[float, str]:
        """How far apart the probabilities are; ties are ordered by id."""
        one, other = (each or 0.0 for each in self.probabilities)
        return abs(one - other), self.event_id


@dataclass(slots=True)
class Disagreements:
    """Counts of disagreements, and the ``most`` of them whose probabilities differ the most."""

    most: int
    _counts: dict[RiskClass, Counter[str]] = field(default_factory=dict)
    #: A heap of (size, number, disagreement); the number makes ties unique.
    _examples: list[tuple[tuple[float, str], int, Disagreement]] = field(default_factory=list)
    _added: int = 0

    def add(self, found: Disagreement) -> None:
        """Count a disagreement."""
        self._counts.setdefault(found.risk_class, Counter())[" -> ".join(found.verdicts)] += 1
        self._added += 1
        heapq.heappush(self._examples, (found.size, -self._added, found))
        if len(self._examples) > self.most:
            heapq.heappop(self._examples)

    @property
    def counts(self) -> Mapping[RiskClass, Mapping[str, int]]:
        """By risk class, the number of commands by both verdicts."""
        return {risk: dict(sorted(self._counts[risk].items())) for risk in sorted(self._counts)}

    @property
    def examples(self) -> tuple[Disagreement, ...]:
        """The disagreements to read, those with the most different probabilities first."""
        return tuple(found for *_, found in sorted(self._examples, reverse=True))


def _reason(decision: Decision) -> str:
    return decision.reasons[0].text if decision.reasons else ""
