"""The state of a command, as the verdict and later reports determine it; values only."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MEANT", "Standing"]


class Standing(StrEnum):
    """The state of a command. The household learns only from commands in a ``MEANT`` state."""

    #: There is no decision on this event yet, or it is too old to be kept.
    UNKNOWN = "unknown"
    #: The event does not commit.
    NO_COMMAND = "no_command"
    #: The worker's verdict is allow.
    ALLOWED = "allowed"
    #: The worker's verdict is allow, but the runtime or a lower rung reported that the command did
    #: not run.
    NOT_RUN = "not_run"
    #: The worker's verdict is confirm, and its question is open.
    ASKED = "asked"
    #: The worker's verdict is confirm, and its question expired, was superseded or was abandoned.
    EXPIRED = "expired"
    #: The worker's verdict is block.
    BLOCKED = "blocked"
    #: The model's verdict is confirm or block; shadow mode, a lower rung or a rule let it run.
    LET_RUN = "let_run"
    #: A checked answer accepted the command.
    CONFIRMED = "confirmed"
    #: An answer or an outcome denied the command.
    DENIED = "denied"
    #: The command was allowed or confirmed, and it ran.
    EXECUTED = "executed"
    #: The command ran, and the user undid it or said that it was not meant.
    UNDONE = "undone"
    #: The household has learned from it.
    LEARNED = "learned"


#: The states in which a command counts as meant.
MEANT = frozenset({Standing.ALLOWED, Standing.CONFIRMED, Standing.EXECUTED})
