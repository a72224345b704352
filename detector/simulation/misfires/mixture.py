"""The mixture of simulated misfires: kinds, their shares, and their severity."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from detector.contracts.errors import InvalidValue
from detector.simulation.misfires.kinds import ALL_KINDS, KINDS
from detector.simulation.misfires.situation import Kind, Place

__all__ = ["Mixture"]

#: How much more often a command is taken for another in a session of one-shot commands, where no
#: dialogue shows what was meant. With this factor everywhere, recall of whole chains of dialogues
#: at 1 % false interruptions falls from .84 to .80. Without it, AUROC on misheard one-shot commands
#: falls from .82 to .81.
_HEARD_INSTEAD = 3.5


@dataclass(frozen=True, slots=True)
class Mixture:
    """The distribution that simulated misfires are drawn from.

    Attributes:
        shares: relative frequency of each kind; the default is the usual one of every kind.
        severity: how much misfires differ from meant commands, in [0, 1]: how unclear they are, how
            many turns are misheard, how often a request is repeated. At 0, recognisers are as
            confident as about meant commands; 0.5 is usual.

    Raises:
        InvalidValue: a kind is unknown, a share is negative, all shares are zero, or the severity
            is not in [0, 1].
    """

    shares: Mapping[str, float] = field(
        default_factory=lambda: {kind.name: kind.usual for kind in KINDS}
    )
    severity: float = 0.5

    def __post_init__(self) -> None:
        unknown = sorted(set(self.shares) - set(ALL_KINDS))
        if unknown or not self.shares:
            raise InvalidValue(
                f"{', '.join(unknown) or 'nothing'} is not a kind of misfire; "
                f"known kinds are {', '.join(ALL_KINDS)}"
            )
        shares = self.shares.values()
        if not (all(0.0 <= share < np.inf for share in shares) and any(shares)):
            raise InvalidValue(
                "shares of kinds of misfire must not be negative, and one must be above zero"
            )
        if not 0.0 <= self.severity <= 1.0:
            raise InvalidValue(
                f"the severity of misfires must be in [0, 1], found {self.severity:g}"
            )

    @classmethod
    def of(cls, kinds: Iterable[str], *, severity: float = 0.5) -> Mixture:
        """Return a mixture of some kinds with equal shares."""
        return cls(dict.fromkeys(kinds, 1.0), severity)

    def without(self, kinds: Collection[str]) -> Mixture:
        """Return the same mixture without some kinds."""
        return replace(
            self, shares={name: share for name, share in self.shares.items() if name not in kinds}
        )

    def draw(self, rng: np.random.Generator, *, one_shot: bool = False) -> Kind:
        """Draw a kind for a session, which may consist of one-shot commands only."""
        kinds = [kind for kind in KINDS if kind.name in self.shares]
        shares = np.array([self.shares[kind.name] for kind in kinds])
        if one_shot:
            shares *= [_HEARD_INSTEAD if kind.place is Place.INSTEAD else 1.0 for kind in kinds]
        return kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
