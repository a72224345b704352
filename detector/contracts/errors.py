"""Errors of the core. Each message names the thing, what was wrong with it, and what to do."""

from __future__ import annotations

__all__ = ["BundleError", "InvalidValue", "MisfireError", "NotEnoughData", "PolicyError"]


class MisfireError(Exception):
    """Root of every error that the core raises on purpose."""


class InvalidValue(MisfireError, ValueError):
    """A value that crossed the boundary is not what the contract says: the sender's fault."""


class PolicyError(MisfireError, ValueError):
    """A policy cannot be used; the message lists every problem found, one per line."""


class BundleError(MisfireError, ValueError):
    """A bundle is incomplete, damaged or of a format that this version does not read."""


class NotEnoughData(MisfireError, ValueError):
    """There is too little to learn from; the message says how much there was and how much it takes."""
