"""Whether a command was meant, from everything that was reported about it.

Reports arrive late, twice, or contradict each other. The rule does not depend on their order,
except that the latest label counts:

1. A label that was not withdrawn decides. A person looked at the command.
2. A no decides next: the command was denied or undone, even if other reports say that it ran.
3. A command that misfire let run was meant, whether it was reported as executed or not, unless
   only a rule let it run. This is also the rule by which a household learns.
4. A command that misfire stopped was meant if the question was accepted and the command then ran.
5. Otherwise the outcome of a stopped command was never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

__all__ = ["MEANT_BY", "Report", "Truth", "truth_of"]


class Report(StrEnum):
    """What was reported about a command; the last three are labels."""

    EXECUTED = "executed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    MEANT = "meant"
    MISFIRE = "misfire"
    WITHDRAWN = "withdrawn"


class Truth(StrEnum):
    """What is known about a command."""

    MEANT = "meant"
    MISFIRE = "misfire"
    UNSEEN = "unseen"


#: Whether a report on its own says that the command was meant; ``WITHDRAWN`` says neither.
MEANT_BY = {
    Report.EXECUTED: True,
    Report.ACCEPTED: True,
    Report.REFUSED: False,
    Report.MEANT: True,
    Report.MISFIRE: False,
}
_LABELS = {
    Report.MEANT: Truth.MEANT,
    Report.MISFIRE: Truth.MISFIRE,
    Report.WITHDRAWN: None,
}


def truth_of(reports: Sequence[Report], *, ran: bool) -> Truth:
    """Return what is known about a command.

    Args:
        reports: the reports in the order of the log; repetitions change nothing.
        ran: whether the decision let the command run, and not because of a rule alone.

    >>> truth_of([Report.REFUSED, Report.EXECUTED], ran=True).value
    'misfire'
    >>> truth_of([], ran=False).value
    'unseen'
    """
    label = next((_LABELS[each] for each in reversed(reports) if each in _LABELS), None)
    if label is not None:
        return label
    if Report.REFUSED in reports:
        return Truth.MISFIRE
    if ran or {Report.ACCEPTED, Report.EXECUTED} <= set(reports):
        return Truth.MEANT
    return Truth.UNSEEN
