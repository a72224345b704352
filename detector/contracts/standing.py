"""How a command stands: what the verdict and everything since have made of it. Only values live here."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MEANT", "Standing"]


class Standing(StrEnum):
    """What is known of a command. Only ``MEANT`` ones are learned from."""

    #: No such event has been decided on yet, or it is too long ago.
    UNKNOWN = "unknown"
    #: The event commits nothing.
    NO_COMMAND = "no_command"
    #: The worker's verdict is allow.
    ALLOWED = "allowed"
    #: The worker's verdict is allow; the runtime or a lower rung reported that the command did not run.
    NOT_RUN = "not_run"
    #: The worker's verdict is confirm, and its question is open.
    ASKED = "asked"
    #: The worker's verdict is confirm, and its question expired, was superseded, or was given up.
    EXPIRED = "expired"
    #: The worker's verdict is block.
    BLOCKED = "blocked"
    #: The worker's verdict is confirm or block; shadow mode, or a lower rung, let the command run.
    LET_RUN = "let_run"
    #: An answer that was checked said yes.
    CONFIRMED = "confirmed"
    #: An answer or an outcome said no.
    DENIED = "denied"
    #: It was allowed or confirmed, and it ran.
    EXECUTED = "executed"
    #: It ran, and was undone or disowned.
    UNDONE = "undone"
    #: The household has learned from it.
    LEARNED = "learned"


#: Commands that somebody meant, as far as is known.
MEANT = frozenset({Standing.ALLOWED, Standing.CONFIRMED, Standing.EXECUTED})
