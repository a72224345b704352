"""Sentences that the gateway and the worker share when they refuse an event."""

from __future__ import annotations

__all__ = ["HOUSEHOLD_ERASED", "ID_REUSED"]


#: What is said about a different event under a used id, whoever notices.
ID_REUSED = "event_id belongs to another event already; give each event an id of its own, and repeat an event unchanged"


#: The reason of an answer to an event from before its household's erasure.
HOUSEHOLD_ERASED = "household_erased"
