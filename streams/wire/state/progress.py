"""How far a state in the changelog is, in a header that is compared without decoding the state.

A worker that was suspended or cut off may write a state after another worker took over its
households and wrote a later one. Kafka keeps the last record of a key, so recovery has to see that
it is the older state.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.wire.state.marks import Marks
from streams.wire.state.packing import Stored

__all__ = ["PROGRESS", "is_behind", "progress_of"]

#: Header of a changelog record. Versions before 0.2.0 do not write it and ignore it.
PROGRESS = "misfire-progress"


def progress_of(stored: Stored) -> bytes:
    """Return the positions of the last records in a state, of intents and of outcomes.

    >>> from detector.household.state import HouseholdState
    >>> from streams.wire.state.marks import Mark
    >>> state = HouseholdState.new("h1")
    >>> progress_of(Stored(state=state, intents=(Mark("7fe73440", 3, 17),)))
    b'7fe73440:3:17,'
    """
    return ",".join(map(_last, (stored.intents, stored.outcomes))).encode()


def is_behind(one: bytes, other: bytes) -> bool:
    """Return whether a state contains less than another one, and nothing that the other lacks.

    Positions in different topics or partitions cannot be compared.

    >>> is_behind(b"7fe73440:3:16,", b"7fe73440:3:17,")
    True
    >>> is_behind(b"7fe73440:3:16,0c:3:2", b"7fe73440:3:17,0c:3:1")
    False
    """
    pairs = list(zip(_places(one), _places(other), strict=True))
    return (
        any(mine != others for mine, others in pairs)
        and all(_at_most(mine, others) for mine, others in pairs)
    )  # fmt: skip


def _last(marks: Marks) -> str:
    return f"{marks[-1].topic_id}:{marks[-1].partition}:{marks[-1].offset}" if marks else ""


def _places(progress: bytes) -> Sequence[tuple[bytes, int]]:
    """Return partition and offset of each topic; no partition and -1 without a record."""
    found = []
    for part in [*progress.split(b","), b"", b""][:2]:
        place, _, offset = part.rpartition(b":")
        found.append((place, int(offset) if offset.isdigit() else -1))
    return found


def _at_most(mine: tuple[bytes, int], others: tuple[bytes, int]) -> bool:
    return mine[1] < 0 or (mine[0] == others[0] and mine[1] <= others[1])
