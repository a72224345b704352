"""Texts of refusals that the gateway and the worker share."""

from __future__ import annotations

__all__ = ["HOUSEHOLD_ERASED", "ID_REUSED"]

#: Message about a different event with an id that is in use.
ID_REUSED = (
    "event_id belongs to another event already;"
    " give each event an id of its own, and repeat an event unchanged"
)

#: Reason code of the answer to an event from before the erasure of its household.
HOUSEHOLD_ERASED = "household_erased"
