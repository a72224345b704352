"""From what was said to an intent: a kept library for homes, and rules for the rest."""

from __future__ import annotations

from streams.files.understanding.understand import Understanding
from streams.files.understanding.understood import OTHER, Understood

__all__ = ["OTHER", "Understanding", "Understood"]
