"""Finds commands that the opposite command reverses within the undo window."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeassistant.helpers import intent

from .commands import slots_of

if TYPE_CHECKING:
    from streams.runtimes import Ruling

__all__ = ["Reversals"]

#: ``undo_window_seconds`` of the packaged policy.
WINDOW = timedelta(seconds=120)
#: The same for physical commands. People unlock, walk in, and lock again: that undoes nothing.
PASSING = timedelta(seconds=15)
_MOST = 64
_PAIRS = (
    ("HassTurnOn", "HassTurnOff"),
    ("HassOpenCover", "HassCloseCover"),
    ("HassStartTimer", "HassCancelTimer"),
    ("HassMediaPause", "HassMediaUnpause"),
    ("HassMediaPlayerMute", "HassMediaPlayerUnmute"),
    ("HassVacuumStart", "HassVacuumReturnToBase"),
    ("HassListAddItem", "HassListRemoveItem"),
)
_OPPOSITE = dict(_PAIRS) | {second: first for first, second in _PAIRS}
#: Slots that say how, not what.
_HOW = ("hours", "minutes", "seconds", "conversation_command")


class Reversals:
    """The commands of the last two minutes, by what they were about."""

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[str, str], tuple[Ruling, datetime]] = OrderedDict()

    def executed(self, command: intent.Intent, ruling: Ruling, now: datetime) -> Iterator[Ruling]:
        """Remember a command that ran, and yield the one that it reverses."""
        target = json.dumps(
            {key: value for key, value in slots_of(command.slots).items() if key not in _HOW},
            sort_keys=True,
            default=str,
        )
        before = self._recent.pop((_OPPOSITE.get(command.intent_type, ""), target), None)
        physical = ruling.decision.risk_class == "physical"
        if before is not None and now - before[1] <= (PASSING if physical else WINDOW):
            yield before[0]
        self._recent[command.intent_type, target] = ruling, now
        if len(self._recent) > _MOST:
            self._recent.popitem(last=False)
