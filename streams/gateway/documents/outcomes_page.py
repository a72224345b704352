"""The documentation page on the effects of outcomes.

``streams/gateway/documents/outcomes.md`` is generated from the table in
``detector/contracts/outcome_table.py``; ``python -m streams.gateway.documents.outcomes_page``
prints it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detector.contracts.events import OutcomeKind, OutcomeSource
from detector.contracts.outcome_table import SENTENCES, TABLE, OutcomeRefused, entry
from detector.contracts.standing import Standing

__all__ = ["page"]

_STATES: Mapping[Standing, str] = {
    Standing.UNKNOWN: "unknown: its event has not arrived",
    Standing.NO_COMMAND: "not a command: the event does not commit",
    Standing.ALLOWED: "allowed, without an outcome yet",
    Standing.NOT_RUN: "allowed, and reported as not run",
    Standing.ASKED: "to be confirmed, and the confirmation is open",
    Standing.EXPIRED: (
        "to be confirmed, and the confirmation expired, was superseded or was abandoned"
    ),
    Standing.BLOCKED: "blocked",
    Standing.LET_RUN: (
        "to be confirmed or blocked, but executed because of shadow mode or a lower rung"
    ),
    Standing.CONFIRMED: "confirmed by a verified answer",
    Standing.DENIED: "denied",
    Standing.EXECUTED: "allowed or confirmed, and executed",
    Standing.UNDONE: "executed, then undone or denied",
    Standing.LEARNED: "learned",
}

#: The effect of an accepted outcome, by the new state of the command; without one, no effect.
_EFFECTS: Mapping[Standing, str] = {
    Standing.NOT_RUN: "is not learned",
    Standing.EXPIRED: "closes the confirmation",
    Standing.LET_RUN: "closes the confirmation, is not learned",
    Standing.DENIED: "is denied",
    Standing.EXECUTED: "will be learned",
    Standing.UNDONE: "will not be learned",
}

_HEAD = """\
# Effects of outcomes

An outcome reports what happened to a command. It never authorises a command and never reopens a
confirmation. A household never learns from an outcome that a command was meant if the command was
not allowed: only a verified answer confirms it ([asking.md](../../hook/asking.md)). This page is
generated from the table in `detector/contracts/outcome_table.py`.

`denied` and `undone` also revoke an earlier confirmation that would still cover a repetition of the
command. A repetition then needs a new confirmation.

A refused outcome has no effect, except that `already_learned` also revokes such a confirmation. It
is counted (`misfire_outcomes_refused_total`), and the sender gets the reason: over HTTP a problem
with status 409, over Kafka a record of type `assistant.refusal.v1`. An outcome that arrives before
its event waits for it, and the table then applies. A repeated outcome has no effect. Over HTTP a
client reports as `runtime`, or as `operator` with a token that has the scope `operate`; outcomes
from `gateway` come from the gateway itself.

A command is not learned if it ran only because of shadow mode, or because a lower rung allowed it
and the worker did not. `ran_refused` means that a command ran although the worker's verdict did not
allow it: the runtime ignored the verdict, or its client fell back to its own policy.

"will be learned" means that the household learns the command when the undo window has passed.

One rule orders outcomes and labels. The latest label of an event counts, in the order of the log,
whatever its outcomes say before or after it. Without a label, and after a withdrawal, this table
decides, and an outcome that contradicts an earlier one is refused with `already_settled`, or
`already_learned` after the undo window. What is sent again changes nothing: an outcome by its
content, a label by its `label_id`. See
[labels](../../lifecycle/labels.md).

| the command is | outcome | from a runtime | from a gateway | from an operator |
| --- | --- | --- | --- | --- |
"""

_REASONS = """
| refused with | because |
| --- | --- |
"""


def page() -> str:
    """Return the Markdown page."""
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows())
    reasons = "".join(f"| `{reason}` | {SENTENCES[reason]} |\n" for reason in OutcomeRefused)
    return f"{_HEAD}{rows}{_REASONS}{reasons}"


def _rows() -> Iterator[tuple[str, ...]]:
    sources = (OutcomeSource.RUNTIME, OutcomeSource.GATEWAY, OutcomeSource.OPERATOR)
    for standing, kinds in TABLE.items():
        for kind in kinds:
            yield (
                _STATES[standing],
                f"`{kind}`",
                *(_cell(standing, kind, source) for source in sources),
            )


def _cell(standing: Standing, kind: OutcomeKind, source: OutcomeSource) -> str:
    found = entry(standing, kind, source)
    if isinstance(found, OutcomeRefused):
        return f"refused: `{found}`"
    if found is not standing:
        return _EFFECTS[found]
    return "waits for its event" if standing is Standing.UNKNOWN else "no effect"


if __name__ == "__main__":
    print(page(), end="")
