"""Which households a canary covers."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["in_canary"]

_BYTES = 8
_PLACES = 2.0**64


def in_canary(household_id: str, share: float) -> bool:
    """Return whether a household is among the ``share`` of households that a canary covers.

    A household's place depends on its id alone (BLAKE2b, the first 8 bytes as a fraction of 2^64):
    the same households are covered by every bundle, and a larger share covers all of a smaller one.

    >>> [in_canary(f"h{number}", 0.25) for number in range(8)].count(True)
    2
    """
    if share >= 1.0:
        return True
    digest = blake2b(household_id.encode(), digest_size=_BYTES, person=b"misfire canary").digest()
    return int.from_bytes(digest, "big") / _PLACES < share
