"""The sentences that explain a term's value; each is true for every value it is printed for.

A sentence is a template without a capital and a full stop. It may contain ``{value}`` (the
magnitude, so that no sentence says "-3.6 bits"), ``{s}`` (the plural ending of the number that is
printed) and ``{intent}``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RARE", "RARER", "RARE_SEQUENCE", "Sentences", "always", "yes_no"]

#: Surprisal in bits from which one thing is called rare: at most one in 16.
RARE = 4.0
#: Surprisal in bits from which several turns together are called rare: at most one in 1,000.
RARE_SEQUENCE = 10.0
#: Difference in bits from which one thing is called rarer than another: what rounds to 0.1 bits.
RARER = 0.05


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentence for values of at least ``edge``, and the one for values below it.

    >>> bits = Sentences("this is rare ({value:.1f} bits)", "this is not rare", edge=RARE)
    >>> bits.text(5.0, "lights.TurnOn"), bits.text(-3.6, "lights.TurnOn")
    ('This is rare (5.0 bits).', 'This is not rare.')
    """

    high: str
    low: str
    edge: float

    def text(self, value: float, intent: str) -> str:
        """Return the sentence for a value that is not missing."""
        template = self.high if value >= self.edge else self.low
        ending = "" if f"{abs(value):.0f}" == "1" else "s"
        return finished(template.format(value=abs(value), s=ending, intent=intent))


def always(sentence: str) -> Sentences:
    """Return a sentence that states the value without judging it, so it is true for all values."""
    return Sentences(sentence, sentence, 0.0)


def yes_no(yes: str, no: str) -> Sentences:
    """Return the sentences of a term that is 0 or 1."""
    return Sentences(yes, no, 0.5)


def finished(text: str) -> str:
    """Return the text with a capital at the beginning and a full stop at the end."""
    return text[0].upper() + text[1:] + "."
