"""The training report of a bundle: what it learned from, and whether its decisions pay.

``report.json`` in a bundle contains it. It affects no decision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from detector.contracts.decisions import RiskClass
from detector.decision.bundle_arrays import damaged
from detector.decision.json_readers import (
    Read,
    items,
    made,
    number,
    read_object,
    row,
    table,
    whole,
    word,
)
from detector.judge.calibration import Thin

__all__ = [
    "OURS",
    "Data",
    "FromLog",
    "Readiness",
    "TrainingReport",
    "parse_report",
    "report_to_json",
]

#: The name of the model's own decisions among the decision rules.
OURS = "misfire"
#: The largest cost per 1,000 commands, and the largest count.
_MOST = 10**12


@dataclass(frozen=True, slots=True)
class Readiness:
    """Cost per 1,000 commands at the policy's base rate, by decision rule; lower is better.

    ``by_class`` has the costs of the chains of each risk class, per 1,000 commands of that class.
    The misfires are simulated. Rules of the household, such as the question about the first use of
    a physical command, are not part of it.
    """

    overall: Mapping[str, float]
    by_class: Mapping[RiskClass, Mapping[str, float]]

    @property
    def rules(self) -> list[str]:
        """The decision rules, the model's own first."""
        return [OURS, *(name for name in self.overall if name != OURS)]

    @property
    def may_enforce(self) -> bool:
        """Whether the decisions cost at most as much as each rule without a model."""
        return not self.cheaper

    @property
    def cheaper(self) -> list[str]:
        """The rules without a model that cost less than the model's decisions."""
        return [name for name, cost in self.overall.items() if cost < self.overall[OURS]]


@dataclass(frozen=True, slots=True)
class FromLog:
    """What a training from the log read, and what it left out.

    Attributes:
        offsets: by topic and partition (``assistant.intents/0``), the first offset that was read
            and the one after the last.
        counts: numbers of events, households and conversations by name, of the whole log and of
            what was left out.
    """

    offsets: Mapping[str, tuple[int, int]]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Data:
    """The training data.

    Attributes:
        source: where the events come from, in words.
        households: number of households.
        events: number of events.
        commands: number of committing events.
        first: time of the first event (RFC 3339, UTC).
        last: time of the last event.
        seed: seed of the training.
        fewest_households: names that fewer households use were not learned.
        misfires: kinds of simulated misfires, and the share of each relative to the others.
        severity: how clearly the simulated misfires differ from meant commands, in [0, 1].
        log: what was read from the log, unless the data comes from a file.
    """

    source: str = "not stated"
    households: int = 0
    events: int = 0
    commands: int = 0
    first: str = ""
    last: str = ""
    seed: int = 0
    fewest_households: int = 0
    misfires: Mapping[str, float] = field(default_factory=dict)
    severity: float = 0.0
    log: FromLog | None = None


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a bundle learned from, and how good its decisions were on chains that it did not see.

    Attributes:
        data: the training data.
        readiness: the cost of the decisions beside rules without a model.
        figures: measures on held-out chains by name, such as ``auroc``.
        thin: the risk classes with too few calibration scores for their budget.
    """

    data: Data
    readiness: Readiness
    figures: Mapping[str, float]
    thin: tuple[Thin, ...]


def report_to_json(report: TrainingReport) -> bytes:
    """Serialize a report. Equal reports give equal bytes."""
    found = asdict(report)
    if report.data.log is None:  # as a report from before this field was added
        del found["data"]["log"]
    return json.dumps(found, sort_keys=True, indent=1).encode() + b"\n"


def parse_report(data: bytes) -> TrainingReport:
    """Read a report.

    Raises:
        BundleError: a value is missing, unknown, of another type or out of range.
        ValueError: the data is not JSON.
    """
    return _report(read_object(data), "report.json")


def _risk(value: Any, where: str) -> RiskClass:
    if value not in set(RiskClass):
        raise damaged(f"{where} names an unknown risk class")
    return RiskClass(value)


def _promised(value: Any, where: str) -> float | None:
    return None if value is None else number(0.0, 1.0)(value, where)


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise damaged(f"{where} must be true or false")
    return value


def _costs(value: Any, where: str) -> dict[str, float]:
    costs = table(number(0.0, _MOST))(value, where)
    if len(costs) < 2 or OURS not in costs:
        raise damaged(f"{where} lacks the cost of a decision rule")
    return costs


def _costs_by_class(value: Any, where: str) -> dict[RiskClass, dict[str, float]]:
    return {_risk(name, where): costs for name, costs in table(_costs)(value, where).items()}


def _thin(value: Any, where: str) -> tuple[Thin, ...]:
    read = made(
        Thin,
        risk=_risk,
        scores=whole(_MOST),
        needed=whole(_MOST),
        promised=_promised,
        pooled=_flag,
    )
    return tuple(items(read)(value, where))


_log = made(FromLog, offsets=table(row(whole(_MOST * 10**6), 2)), counts=table(whole(_MOST)))
_data = made(
    Data,
    optional={"log": _log},
    source=word,
    households=whole(_MOST),
    events=whole(_MOST),
    commands=whole(_MOST),
    first=word,
    last=word,
    seed=whole(2**63),
    fewest_households=whole(_MOST),
    misfires=table(number(0.0, _MOST)),
    severity=number(0.0, 1.0),
)
_report: Read[TrainingReport] = made(
    TrainingReport,
    data=_data,
    readiness=made(Readiness, overall=_costs, by_class=_costs_by_class),
    figures=table(number(0.0, _MOST)),
    thin=_thin,
)
