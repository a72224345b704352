"""The transition table of outcomes: a command's state, the outcome and its source give a new state.

An outcome reports what happened. It never authorises a command and never reopens a question. A
command counts as meant only if the worker's verdict allowed it or a checked answer confirmed it;
an outcome cannot change that. ``streams/gateway/documents/outcomes.md`` is generated from this
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from detector.contracts.events import OutcomeKind, OutcomeSource
from detector.contracts.standing import Standing

__all__ = ["SENTENCES", "TABLE", "OutcomeRefused", "entry"]


class OutcomeRefused(StrEnum):
    """Why an outcome has no effect."""

    UNCHECKED = "unchecked_confirmation"
    RAN_REFUSED = "ran_refused"
    ALREADY_SETTLED = "already_settled"
    ALREADY_LEARNED = "already_learned"
    NOT_A_COMMAND = "not_a_command"
    WRONG_SOURCE = "wrong_source"


SENTENCES: Mapping[OutcomeRefused, str] = {
    OutcomeRefused.UNCHECKED: (
        "An outcome cannot confirm a command; send the answer and its proof to the confirmation."
    ),
    OutcomeRefused.RAN_REFUSED: (
        "The command ran although it was not allowed; the household does not learn from it."
    ),
    OutcomeRefused.ALREADY_SETTLED: (
        "This outcome contradicts an earlier outcome of the same command."
    ),
    OutcomeRefused.ALREADY_LEARNED: (
        "The undo window has passed, and the household has learned from this command."
    ),
    OutcomeRefused.NOT_A_COMMAND: "The event does not commit, so it has no outcome.",
    OutcomeRefused.WRONG_SOURCE: (
        "This source cannot report this outcome: a gateway reports executed and expired, "
        "an operator denied and undone."
    ),
}

#: The command's new state, or the reason for which the outcome is refused.
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

#: For each state of a command and each outcome: the entries for a report by the runtime, the
#: gateway and the operator. The outcome of an unknown event is kept and applied after the event's
#: decision.
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
    """Return the command's new state, or the reason for which the outcome is refused.

    >>> entry(Standing.BLOCKED, OutcomeKind.EXECUTED, OutcomeSource.RUNTIME)
    <OutcomeRefused.RAN_REFUSED: 'ran_refused'>
    """
    return TABLE[standing][kind][_COLUMNS.index(source)]
