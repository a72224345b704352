"""The starter bundle in the package, for a home without a bundle of its own."""

from __future__ import annotations

from detector.decision.bundle import Bundle
from streams.errors import DependencyUnavailable

__all__ = ["starter_bundle"]


def starter_bundle() -> Bundle:
    """Return the starter bundle.

    Raises:
        DependencyUnavailable: the package does not contain one.
    """
    raise DependencyUnavailable("no starter bundle is packaged; give a bundle with --bundle DIR")
