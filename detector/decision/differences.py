"""The differences of two decisions on one event, in the order in which a decision is computed.

A decision is computed from evidence in bits, then by the judge, then by the policy, and rules may
change it. The first difference is therefore the cause, and later ones may follow from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from detector.contracts.decisions import Decision

__all__ = ["Difference", "Layer", "differences"]


class Layer(StrEnum):
    """The part of a decision that a term belongs to, in order of computation.

    Rules come before the policy, because a verdict that differs with them differs because of them.
    """

    BUNDLE = "bundle"
    EVIDENCE = "evidence"
    JUDGE = "judge"
    RULES = "rules"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Difference:
    """A term with two values.

    Attributes:
        layer: the part of the decision that the term belongs to.
        term: a field of the decision, or an evidence term among its reasons (``reasons.NAME``).
        first: its value in the first decision, as text; bits of evidence terms have six decimals.
        second: its value in the second one; ``absent`` if the term is no reason there.
    """

    layer: Layer
    term: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.term} is {self.first} and {self.second}"


#: The fields of each layer. All other fields belong to the policy.
_FIELDS = {
    Layer.BUNDLE: ("bundle",),
    Layer.EVIDENCE: ("clock_replaced", "event_bits", "surprisal_bits"),
    Layer.JUDGE: ("misfire_probability", "p_value", "abstained"),
    Layer.RULES: ("rules", "rule", "model_verdict"),
}
#: Compared by their parts, or implied by another field.
_APART = ("reasons", "decision_id")
_ABSENT = "absent"


def differences(first: Decision, second: Decision) -> tuple[Difference, ...]:
    """Return every difference of two decisions on one event, the earliest computed first.

    Reasons with bits are evidence; reasons without any are rules of the policy.
    """
    return tuple(_found(first, second))


def _found(first: Decision, second: Decision) -> Iterator[Difference]:
    yield from _fields(Layer.BUNDLE, _FIELDS[Layer.BUNDLE], first, second)
    yield from _fields(Layer.EVIDENCE, _FIELDS[Layer.EVIDENCE], first, second)
    yield from _reasons(Layer.EVIDENCE, _bits(first), _bits(second))
    yield from _fields(Layer.JUDGE, _FIELDS[Layer.JUDGE], first, second)
    yield from _fields(Layer.RULES, _FIELDS[Layer.RULES], first, second)
    yield from _reasons(Layer.POLICY, _rules(first), _rules(second))
    named = {name for names in _FIELDS.values() for name in names}
    others = (each.name for each in fields(Decision) if each.name not in {*named, *_APART})
    yield from _fields(Layer.POLICY, others, first, second)


def _fields(
    layer: Layer, names: Iterator[str] | tuple[str, ...], first: Decision, second: Decision
) -> Iterator[Difference]:
    for name in names:
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            yield Difference(layer, name, str(one), str(other))


def _reasons(layer: Layer, first: dict[str, str], second: dict[str, str]) -> Iterator[Difference]:
    for code in {**first, **second}:
        one, other = first.get(code, _ABSENT), second.get(code, _ABSENT)
        if one != other:
            yield Difference(layer, f"reasons.{code}", one, other)


def _bits(decision: Decision) -> dict[str, str]:
    return {
        each.code: f"{each.bits:.6f} bits ({each.text})" for each in decision.reasons if each.bits
    }


def _rules(decision: Decision) -> dict[str, str]:
    return {each.code: each.text for each in decision.reasons if not each.bits}
