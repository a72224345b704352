"""What shadow bundles would have decided, beside the decision, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.desk.evidence import Account, Step, account_of
from streams.wire.shadow_verdict import ShadowVerdict

__all__ = ["Shadow", "most_bits", "shadows_of"]

#: Characters of a bundle's version that name a shadow without a channel.
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Shadow:
    """A shadow's verdict, its name on the page, and its evidence if its judge gave any."""

    verdict: ShadowVerdict
    name: str
    account: Account | None

    def bits(self, place: int, turns: int) -> float | None:
        """Return the surprisal of a turn in bits.

        Args:
            place: the index of the turn among those shown.
            turns: the number of turns shown, the last ones of the chain.

        Returns:
            The bits, or ``None`` if the shadow's chain begins later.
        """
        known = self.verdict.chain_bits
        return known[place - turns] if turns - place <= len(known) else None


def shadows_of(verdicts: Sequence[ShadowVerdict]) -> list[Shadow]:
    """Return the verdicts of shadows on a decision, with their names and evidence."""
    return [
        Shadow(each, each.channel or f"shadow {each.bundle[:_DIGITS]}", account_of(each))
        for each in verdicts
    ]


def most_bits(steps: Sequence[Step], shadows: Sequence[Shadow]) -> float:
    """Return the largest surprisal of a turn, in bits: the full width of a bar."""
    bits = [step.bits for step in steps]
    return max(
        [*bits, *(each for shadow in shadows for each in shadow.verdict.chain_bits)] or [1.0]
    )
