"""The errors that the core raises.

Each message names the value, says what was wrong with it, and says what to do.
"""

from __future__ import annotations

__all__ = [
    "BundleError",
    "InvalidValue",
    "MisfireError",
    "NotEnoughData",
    "PolicyError",
    "UnreadyBundle",
]


class MisfireError(Exception):
    """Base class of every error that the core raises deliberately."""


class InvalidValue(MisfireError, ValueError):
    """A value that crossed a boundary violates the contract; the sender has to correct it."""


class PolicyError(MisfireError, ValueError):
    """A policy is not usable; the message lists all problems, one per line."""


class BundleError(MisfireError, ValueError):
    """A bundle is incomplete or damaged, or this version cannot read its format."""


class UnreadyBundle(BundleError):
    """A bundle is sound, but its decisions cost more than those of a rule without a model."""


class NotEnoughData(MisfireError, ValueError):
    """There is too little data to learn from; the message gives the amount found and required."""
