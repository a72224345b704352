"""What an outcome does, as a page.

``streams/gateway/documents/outcomes.md`` is drawn from the table in ``detector/contracts/outcome_table.py``.

``python -m streams.gateway.documents.outcomes_page`` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detector.contracts.events import OutcomeKind, OutcomeSource
from detector.contracts.outcome_table import SENTENCES, TABLE, OutcomeRefused, entry
from detector.contracts.standing import Standing

__all__ = ["page"]

_STANDS: Mapping[Standing, str] = {
    Standing.UNKNOWN: "no such event yet",
    Standing.NO_COMMAND: "the event commits nothing",
    Standing.ALLOWED: "allowed, and waiting for its outcome",
    Standing.NOT_RUN: "allowed, and reported as not run",
    Standing.ASKED: "to be confirmed, and the question is open",
    Standing.EXPIRED: "to be confirmed, and the question expired, was superseded or was given up",
    Standing.BLOCKED: "blocked",
    Standing.LET_RUN: "to be confirmed or blocked, and let run by shadow mode or a lower rung",
    Standing.CONFIRMED: "confirmed by an answer that was checked",
    Standing.DENIED: "denied",
    Standing.EXECUTED: "allowed or confirmed, and executed",
    Standing.UNDONE: "executed, and undone or disowned",
    Standing.LEARNED: "learned",
}

#: What an accepted outcome does, by what the command becomes; where it stays as it was, nothing.
_DOES: Mapping[Standing, str] = {
    Standing.NOT_RUN: "teaches nothing",
    Standing.EXPIRED: "closes the question",
    Standing.LET_RUN: "closes the question, teaches nothing",
    Standing.DENIED: "closes as denied",
    Standing.EXECUTED: "teaches",
    Standing.UNDONE: "takes back",
}

_HEAD = """\
# What an outcome does

An outcome reports what happened to a command. It never authorises one, never opens a question again, and never teaches a household
that a command was meant which was not allowed: only an answer that was checked confirms ([asking.md](../../hook/asking.md)).
Drawn from the table in
`detector/contracts/outcome_table.py`.

"denied" and "undone" also take back a yes that would still hold for that command said again: it is asked about anew.

A refused outcome changes nothing, except that `already_learned` takes back such a yes as well. It is
counted (`misfire_outcomes_refused_total`), and the sender gets the reason: over HTTP a
problem with status 409, by Kafka a record of type `assistant.refusal.v1`. An outcome that comes before its event waits for it, and is then
looked up here. The same outcome again changes nothing. Over HTTP a caller reports as `runtime`, and as `operator` with a token of the
scope `operate`; `gateway` is the gateway's own.

What was let run in shadow mode, or by a lower rung while the worker's verdict was otherwise, teaches nothing. `ran_refused` means that a
command ran which the worker's verdict held back: the runtime does not obey, or its client fell back to its own policy.

"teaches" means that the household learns the command when the undo window has passed; "takes back" that it will not.

| the command is | outcome | from a runtime | from a gateway | from an operator |
| --- | --- | --- | --- | --- |
"""

_REASONS = """
| refused with | because |
| --- | --- |
"""


def page() -> str:
    """Return the page of documentation."""
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows())
    reasons = "".join(f"| `{reason}` | {SENTENCES[reason]} |\n" for reason in OutcomeRefused)
    return f"{_HEAD}{rows}{_REASONS}{reasons}"


def _rows() -> Iterator[tuple[str, ...]]:
    sources = (OutcomeSource.RUNTIME, OutcomeSource.GATEWAY, OutcomeSource.OPERATOR)
    for standing, kinds in TABLE.items():
        for kind in kinds:
            yield (
                _STANDS[standing],
                f"`{kind}`",
                *(_cell(standing, kind, source) for source in sources),
            )


def _cell(standing: Standing, kind: OutcomeKind, source: OutcomeSource) -> str:
    found = entry(standing, kind, source)
    if isinstance(found, OutcomeRefused):
        return f"refused: `{found}`"
    if found is not standing:
        return _DOES[found]
    return "waits for its event" if standing is Standing.UNKNOWN else "nothing"


if __name__ == "__main__":
    print(page(), end="")
