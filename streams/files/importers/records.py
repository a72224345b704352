"""What a reader of a foreign log yields. A record holds what was said, so it is never written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

__all__ = ["Advance", "Fault", "Found", "Record", "Skipped", "Unreadable", "found_at"]

#: ``advance(done, total)``, called as a reader proceeds; ``total`` is 0 if it is not known.
Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One command of a foreign log.

    Attributes:
        key: identifies the record in its log; a record with the same key is the same command.
        time: when it was said, with a time zone.
        device: the device that heard it.
        text: what was said; it is understood if ``intent`` is empty.
        intent: the intent, of the form ``domain.Name``.
        slots: names and spoken values of the intent's slots.
        household: the home; empty for the only one.
        speaker: the person, if the log knows.
        session: the conversation, if the log knows; otherwise silence separates sessions.
        label: why the command was a misfire, if the log says so.
        asr_confidence: of the speech recogniser, in [0, 1].
    """

    key: str
    time: datetime
    device: str
    text: str = field(default="", repr=False)
    intent: str = ""
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)
    household: str = ""
    speaker: str | None = None
    session: str | None = None
    label: str | None = None
    asr_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that cannot be read: its place, such as ``record 7``, and the reason.

    Neither repeats anything of the record.
    """

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that is no command, and the reason."""

    reason: str


Found: TypeAlias = Record | Fault | Skipped


class Unreadable(ValueError):
    """A record cannot be read. The message is the reason, and repeats nothing of the record."""


def found_at(place: str, read: Callable[[], Found]) -> Found:
    """Return what ``read`` returns; if it raises ``Unreadable``, the fault of the record."""
    try:
        return read()
    except Unreadable as error:
        return Fault(place, str(error))
