"""Which kinds of misfire are simulated, how often each, and how severe they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from detector.contracts.errors import InvalidValue
from detector.simulation.misfires.kinds import ALL_KINDS, KINDS, Kind

__all__ = ["Mixture"]


@dataclass(frozen=True, slots=True)
class Mixture:
    """What simulated misfires are drawn from.

    Attributes:
        shares: kind -> how often it is drawn, beside the others; they need not add up to one. Usual where it is left out.
        severity: from 0 to 1, how far misfires are from what was meant: how unclear they are heard, how many turns are heard wrong, how
            often a thing is begun again. At 0 the recognisers are as sure as of what was meant; 0.5 is usual.

    Raises:
        InvalidValue: a kind is not known, a share is below zero or all are zero, or the severity is not in [0, 1].
    """

    shares: Mapping[str, float] = field(
        default_factory=lambda: {kind.name: kind.usual for kind in KINDS}
    )
    severity: float = 0.5

    def __post_init__(self) -> None:
        unknown = sorted(set(self.shares) - set(ALL_KINDS))
        if unknown or not self.shares:
            raise InvalidValue(
                f"{', '.join(unknown) or 'nothing'} is not a kind of misfire; known are {', '.join(ALL_KINDS)}"
            )
        shares = self.shares.values()
        if not (all(0.0 <= share < np.inf for share in shares) and any(shares)):
            raise InvalidValue(
                "shares of kinds of misfire are numbers from zero on, and one is above zero"
            )
        if not 0.0 <= self.severity <= 1.0:
            raise InvalidValue(f"the severity of misfires is in [0, 1], not {self.severity:g}")

    @classmethod
    def of(cls, kinds: Iterable[str], *, severity: float = 0.5) -> Mixture:
        """Return a mixture of some kinds, each as often as the others."""
        return cls(dict.fromkeys(kinds, 1.0), severity)

    def without(self, kinds: Collection[str]) -> Mixture:
        """Return the same mixture without some kinds."""
        return replace(
            self, shares={name: share for name, share in self.shares.items() if name not in kinds}
        )

    def draw(self, rng: np.random.Generator) -> Kind:
        """Draw a kind."""
        kinds = [kind for kind in KINDS if kind.name in self.shares]
        shares = np.array([self.shares[kind.name] for kind in kinds])
        return kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
