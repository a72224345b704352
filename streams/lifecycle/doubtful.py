"""Commands in the log that training must not learn from: misfires, and those never seen to run.

Only these are kept in memory, by a hash of 8 bytes: about one command in a hundred.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from detector.contracts.decisions import Verdict, is_lifted
from detector.evaluation.truth import Report, Truth, truth_of
from streams.errors import RecordError
from streams.kafka.reading import TopicRecord
from streams.lifecycle.log_items import Reported, read_report
from streams.wire.records import DECISION

__all__ = ["Doubtful"]

#: As ``DECISION.encode`` writes it; most decisions need not be decoded.
_RAN = b'"effective_verdict":"allow"'
_RULED = b'"model_verdict"'


def _digest(household_id: str, name: str) -> int:
    content = f"{household_id}\0{name}".encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


@dataclass(slots=True)
class Doubtful:
    """What is known about commands that were stopped, refused or labelled.

    Add all decisions before the outcomes, and the outcomes before the labels.

    Attributes:
        labels: number of labels.
    """

    labels: int = 0
    _stopped: set[int] = field(default_factory=set)
    #: The question of a stopped command -> the command.
    _questions: dict[int, int] = field(default_factory=dict)
    _reports: dict[int, list[Report]] = field(default_factory=dict)

    def add_decisions(self, records: Iterable[TopicRecord]) -> None:
        """Add the decisions that stopped a command, or in which only a rule let it run."""
        for held in records:
            if held.value is None or (_RAN in held.value and _RULED not in held.value):
                continue
            try:
                decision = DECISION.decode(held.value)
            except RecordError:
                continue
            if decision.effective_verdict is Verdict.ALLOW and not is_lifted(decision):
                continue
            command = _digest(decision.household_id, decision.event_id)
            self._stopped.add(command)
            if decision.confirm is not None and decision.confirm.confirmation_id:
                question = _digest(decision.household_id, decision.confirm.confirmation_id)
                self._questions[question] = command

    def add_outcomes(self, records: Iterable[TopicRecord]) -> None:
        """Add outcomes and answers about stopped commands, and each no."""
        for held in records:
            report = read_report(held)
            if report is None:
                continue
            command = self._command(report)
            if command is not None and (report.what is Report.REFUSED or command in self._stopped):
                self._reports.setdefault(command, []).append(report.what)

    def add_labels(self, records: Iterable[TopicRecord]) -> None:
        """Add labels."""
        for held in records:
            report = read_report(held)
            if report is not None:
                self.labels += 1
                command = _digest(report.household_id, report.event_id)
                self._reports.setdefault(command, []).append(report.what)

    def truth(self, household_id: str, event_id: str) -> Truth:
        """Return what is known about a command."""
        command = _digest(household_id, event_id)
        return truth_of(self._reports.get(command, ()), ran=command not in self._stopped)

    def _command(self, report: Reported) -> int | None:
        if report.event_id:
            return _digest(report.household_id, report.event_id)
        return self._questions.get(_digest(report.household_id, report.confirmation_id))
