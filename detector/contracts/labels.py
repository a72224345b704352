"""Labels: a person's later statement that a command was meant, or that it was a misfire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from detector.contracts.events import check_ids
from detector.contracts.notes import check_note
from detector.contracts.timestamps import Timestamp, in_utc

__all__ = ["Label", "LabelEffect", "LabelKind"]


class LabelKind(StrEnum):
    """What a label says. The latest label of an event counts; ``withdrawn`` removes it."""

    MEANT = "meant"
    MISFIRE = "misfire"
    WITHDRAWN = "withdrawn"


class LabelEffect(StrEnum):
    """What a label changed in the household."""

    #: The household learned from a command that it had not learned from.
    TAUGHT = "taught"
    #: The household no longer counts a command that it had learned from.
    UNLEARNED = "unlearned"
    #: The command would have been learned when its undo window passed, and will not be.
    NOT_LEARNED = "not_learned"
    #: An earlier label of the event was withdrawn; its outcomes decide again.
    RESTORED = "restored"
    #: The label agrees with what the household did, or repeats an earlier one.
    UNCHANGED = "unchanged"
    #: The household has had all its lessons of the day (``learning.LESSONS_A_DAY``).
    DAY_FULL = "day_full"
    #: The household remembers its latest commands only, and this is an older one. Only training
    #: uses the label.
    FORGOTTEN = "forgotten"
    #: The event does not commit.
    NOT_A_COMMAND = "not_a_command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label of one event.

    ``label_id`` is the idempotency key. ``by`` names the person, and ``why`` is the reason in the
    person's words, without anything that was spoken. The worker that applied the label sets
    ``effect``.

    Raises:
        InvalidValue: a field violates the contract; the message names the field.
    """

    label_id: str
    event_id: str
    household_id: str
    label: LabelKind
    why: str
    by: str
    time: Timestamp
    effect: LabelEffect | None = None

    def __post_init__(self) -> None:
        check_ids(self, "label_id", "event_id", "household_id", "by")
        check_note("why", self.why)
        object.__setattr__(self, "time", in_utc(self.time))
