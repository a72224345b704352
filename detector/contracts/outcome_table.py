"""What an outcome does, as a table: how the command stands, what is reported, and who reports it.

An outcome reports what happened. It never authorises a command, never opens a question again, and never teaches that a command was
meant which the worker's verdict did not allow and no checked answer confirmed.
``streams/gateway/documents/outcomes.md`` is drawn from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from detector.contracts.events import OutcomeKind, OutcomeSource
from detector.contracts.standing import Standing

__all__ = ["SENTENCES", "TABLE", "OutcomeRefused", "entry"]


class OutcomeRefused(StrEnum):
    """Why an outcome changes nothing."""

    UNCHECKED = "unchecked_confirmation"
    RAN_REFUSED = "ran_refused"
    ALREADY_SETTLED = "already_settled"
    ALREADY_LEARNED = "already_learned"
    NOT_A_COMMAND = "not_a_command"
    WRONG_SOURCE = "wrong_source"


SENTENCES: Mapping[OutcomeRefused, str] = {
    OutcomeRefused.UNCHECKED: "An outcome confirms nothing; send the answer, with its proof, to the question's confirmation.",
    OutcomeRefused.RAN_REFUSED: "The command was not allowed, and this says that it ran; nothing is learned from it.",
    OutcomeRefused.ALREADY_SETTLED: "Another outcome of this command was taken in, and this one contradicts it.",
    OutcomeRefused.ALREADY_LEARNED: "The undo window has passed, and the household has learned from this command.",
    OutcomeRefused.NOT_A_COMMAND: "The event commits nothing, so that there is no outcome of it.",
    OutcomeRefused.WRONG_SOURCE: "This source cannot know that: a gateway reports executed and expired, an operator denied and undone.",
}

#: What a command becomes, or why the outcome is refused.
Entry = Standing | OutcomeRefused

_UNKNOWN, _NO_COMMAND, _ALLOWED, _NOT_RUN = (
    Standing.UNKNOWN,
    Standing.NO_COMMAND,
    Standing.ALLOWED,
    Standing.NOT_RUN,
)
_ASKED, _EXPIRED, _BLOCKED, _LET_RUN = (
    Standing.ASKED,
    Standing.EXPIRED,
    Standing.BLOCKED,
    Standing.LET_RUN,
)
_CONFIRMED, _DENIED = Standing.CONFIRMED, Standing.DENIED
_EXECUTED, _UNDONE, _LEARNED = Standing.EXECUTED, Standing.UNDONE, Standing.LEARNED
_UNCHECKED, _RAN, _SETTLED = (
    OutcomeRefused.UNCHECKED,
    OutcomeRefused.RAN_REFUSED,
    OutcomeRefused.ALREADY_SETTLED,
)
_TOO_LATE, _NOTHING, _WRONG = (
    OutcomeRefused.ALREADY_LEARNED,
    OutcomeRefused.NOT_A_COMMAND,
    OutcomeRefused.WRONG_SOURCE,
)

#: By how the command stands and by what is reported: what it becomes when a runtime, a gateway or an operator reports it.
#: An outcome of an unknown event waits, and is looked up again when its event has been decided on.
TABLE: Mapping[Standing, Mapping[OutcomeKind, tuple[Entry, Entry, Entry]]] = {
    Standing.UNKNOWN: {
        OutcomeKind.EXECUTED: (_UNKNOWN, _UNKNOWN, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_UNKNOWN, _WRONG, _UNKNOWN),
        OutcomeKind.UNDONE: (_UNKNOWN, _WRONG, _UNKNOWN),
        OutcomeKind.EXPIRED: (_UNKNOWN, _UNKNOWN, _WRONG),
    },
    Standing.NO_COMMAND: {
        OutcomeKind.EXECUTED: (_NOTHING, _NOTHING, _NOTHING),
        OutcomeKind.CONFIRMED: (_NOTHING, _NOTHING, _NOTHING),
        OutcomeKind.DENIED: (_NOTHING, _NOTHING, _NOTHING),
        OutcomeKind.UNDONE: (_NOTHING, _NOTHING, _NOTHING),
        OutcomeKind.EXPIRED: (_NOTHING, _NOTHING, _NOTHING),
    },
    Standing.ALLOWED: {
        OutcomeKind.EXECUTED: (_EXECUTED, _ALLOWED, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_DENIED, _WRONG, _DENIED),
        OutcomeKind.UNDONE: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.EXPIRED: (_NOT_RUN, _NOT_RUN, _WRONG),
    },
    Standing.NOT_RUN: {
        OutcomeKind.EXECUTED: (_EXECUTED, _NOT_RUN, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_DENIED, _WRONG, _DENIED),
        OutcomeKind.UNDONE: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.EXPIRED: (_NOT_RUN, _NOT_RUN, _WRONG),
    },
    Standing.ASKED: {
        OutcomeKind.EXECUTED: (_RAN, _LET_RUN, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_DENIED, _WRONG, _DENIED),
        OutcomeKind.UNDONE: (_RAN, _WRONG, _DENIED),
        OutcomeKind.EXPIRED: (_EXPIRED, _ASKED, _WRONG),
    },
    Standing.EXPIRED: {
        OutcomeKind.EXECUTED: (_RAN, _LET_RUN, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_EXPIRED, _WRONG, _EXPIRED),
        OutcomeKind.UNDONE: (_RAN, _WRONG, _EXPIRED),
        OutcomeKind.EXPIRED: (_EXPIRED, _EXPIRED, _WRONG),
    },
    Standing.BLOCKED: {
        OutcomeKind.EXECUTED: (_RAN, _LET_RUN, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_DENIED, _WRONG, _DENIED),
        OutcomeKind.UNDONE: (_RAN, _WRONG, _DENIED),
        OutcomeKind.EXPIRED: (_BLOCKED, _BLOCKED, _WRONG),
    },
    Standing.LET_RUN: {
        OutcomeKind.EXECUTED: (_LET_RUN, _LET_RUN, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_DENIED, _WRONG, _DENIED),
        OutcomeKind.UNDONE: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.EXPIRED: (_EXPIRED, _LET_RUN, _WRONG),
    },
    Standing.CONFIRMED: {
        OutcomeKind.EXECUTED: (_EXECUTED, _CONFIRMED, _WRONG),
        OutcomeKind.CONFIRMED: (_CONFIRMED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_DENIED, _WRONG, _DENIED),
        OutcomeKind.UNDONE: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.EXPIRED: (_EXPIRED, _CONFIRMED, _WRONG),
    },
    Standing.DENIED: {
        OutcomeKind.EXECUTED: (_RAN, _DENIED, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_DENIED, _WRONG, _DENIED),
        OutcomeKind.UNDONE: (_RAN, _WRONG, _DENIED),
        OutcomeKind.EXPIRED: (_DENIED, _DENIED, _WRONG),
    },
    Standing.EXECUTED: {
        OutcomeKind.EXECUTED: (_EXECUTED, _EXECUTED, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.UNDONE: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.EXPIRED: (_SETTLED, _EXECUTED, _WRONG),
    },
    Standing.UNDONE: {
        OutcomeKind.EXECUTED: (_UNDONE, _UNDONE, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.UNDONE: (_UNDONE, _WRONG, _UNDONE),
        OutcomeKind.EXPIRED: (_SETTLED, _UNDONE, _WRONG),
    },
    Standing.LEARNED: {
        OutcomeKind.EXECUTED: (_LEARNED, _LEARNED, _WRONG),
        OutcomeKind.CONFIRMED: (_UNCHECKED, _UNCHECKED, _UNCHECKED),
        OutcomeKind.DENIED: (_TOO_LATE, _WRONG, _TOO_LATE),
        OutcomeKind.UNDONE: (_TOO_LATE, _WRONG, _TOO_LATE),
        OutcomeKind.EXPIRED: (_TOO_LATE, _LEARNED, _WRONG),
    },
}

_COLUMNS = (OutcomeSource.RUNTIME, OutcomeSource.GATEWAY, OutcomeSource.OPERATOR)


def entry(standing: Standing, kind: OutcomeKind, source: OutcomeSource) -> Entry:
    """Look up what a command becomes, or why the outcome is refused.

    >>> entry(Standing.BLOCKED, OutcomeKind.EXECUTED, OutcomeSource.RUNTIME)
    <OutcomeRefused.RAN_REFUSED: 'ran_refused'>
    """
    return TABLE[standing][kind][_COLUMNS.index(source)]
