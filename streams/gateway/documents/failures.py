"""What is answered when something is broken: one row for each way to be broken, with who answers and what.

``streams/gateway/documents/failures.md`` is drawn from ``FAILURES``
(``python -m streams.gateway.documents.failures``), and ``tests/integration/test_failures.py``
breaks each of them and asks about a command of every risk class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from detector.contracts.decisions import RiskClass, Rung, Verdict

__all__ = ["FAILURES", "Failure", "Judged", "page"]


class Judged(StrEnum):
    """A verdict that is not the policy's rule, by what is known when it is made."""

    HOUSEHOLD = "the household's model"
    POPULATION = "the population's model"
    ASKED = "the population's model, at least confirm"
    ASKED_FIRST = "the household's model, at least confirm the first time"


#: For each risk class a verdict, or whose model gives one.
Answers = Mapping[RiskClass, Verdict | Judged]

_HOUSEHOLD: Answers = MappingProxyType(
    dict.fromkeys(RiskClass, Judged.HOUSEHOLD) | {RiskClass.PHYSICAL: Judged.ASKED_FIRST}
)
_POPULATION: Answers = MappingProxyType(
    dict.fromkeys(RiskClass, Judged.POPULATION) | {RiskClass.PHYSICAL: Judged.ASKED}
)
#: The fallbacks of the packaged policy.
_RULE: Answers = MappingProxyType(
    {
        RiskClass.READ_ONLY: Verdict.ALLOW,
        RiskClass.REVERSIBLE: Verdict.ALLOW,
        RiskClass.PRIVATE_OUTBOUND: Verdict.CONFIRM,
        RiskClass.PURCHASE: Verdict.CONFIRM,
        RiskClass.PHYSICAL: Verdict.CONFIRM,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to be broken.

    Attributes:
        broken: what is.
        rung: the rung that answers.
        code: the first reason's code; nothing where the answer is the worker's as always.
        answers: the verdict by risk class.
        meant: what exactly is the case, as a clause.
    """

    broken: str
    rung: Rung
    code: str
    answers: Answers
    meant: str


FAILURES: tuple[Failure, ...] = (
    Failure(
        "worker gone",
        Rung.GATEWAY,
        "worker_timeout",
        _POPULATION,
        "no worker has the household's partition",
    ),
    Failure(
        "worker joining",
        Rung.GATEWAY,
        "worker_timeout",
        _POPULATION,
        "it waits for its partitions or reads its table",
    ),
    Failure(
        "worker behind",
        Rung.GATEWAY,
        "worker_timeout",
        _POPULATION,
        "earlier records keep it busy beyond the deadline",
    ),
    Failure(
        "broker slow",
        Rung.GATEWAY,
        "broker_timeout",
        _POPULATION,
        "Kafka does not acknowledge the event before the deadline",
    ),
    Failure(
        "broker gone",
        Rung.GATEWAY,
        "broker_unreachable",
        _POPULATION,
        "no broker answers the gateway: nobody waits for one",
    ),
    Failure(
        "deadline too short",
        Rung.GATEWAY,
        "deadline_too_short",
        _POPULATION,
        "nothing is left of it to ask a worker in",
    ),
    Failure(
        "no bundle",
        Rung.POLICY,
        "no_bundle",
        _RULE,
        "the gateway has none, and no worker answers in time",
    ),
    Failure(
        "bundle corrupt",
        Rung.POLICY,
        "bundle_damaged",
        _RULE,
        "the gateway's is damaged, and no worker answers in time",
    ),
    Failure(
        "gateway overloaded",
        Rung.POLICY,
        "overloaded",
        _RULE,
        "the places of the command's risk class are taken",
    ),
    Failure(
        "clock skewed",
        Rung.WORKER,
        "",
        _HOUSEHOLD,
        "the device's clock is further off than the policy believes: the log's time stands in, `clock_replaced` says so",
    ),
    Failure(
        "gateway gone",
        Rung.POLICY,
        "gateway_unreachable",
        _RULE,
        "the client reaches none: its own copy of the policy answers",
    ),
    Failure(
        "unknown intent",
        Rung.WORKER,
        "unknown_intent",
        _RULE,
        "no household of the training data ever used it",
    ),
    Failure(
        "household new",
        Rung.WORKER,
        "",
        _HOUSEHOLD,
        "nothing is known of it: its model is the population's, its thresholds are those for new ones",
    ),
)

_HEAD = """\
# When something is broken

A command gets an answer before its deadline whatever is broken.
Drawn from `streams/gateway/documents/failures.py`; `tests/integration/test_failures.py`
breaks each of these and asks about a command of every risk class. Every answer below the worker's rung is `degraded`, says why by the
code of its first reason, and is counted by rung and reason (`misfire_hook_answers_total`). The fallbacks are the packaged policy's; another
policy has its own (`fallback` of a risk class). On every rung, a command that no rule of the policy names is at least asked about
(`unclassified_intent`); where its class has no way to ask, it is blocked. The same holds for a physical command that the household has
not given before (`first_physical_command`). The gateway cannot know that, and asks each time.

| broken | which means | rung | reason | {classes} |
| --- | --- | --- | --- | {lines} |
"""


def page() -> str:
    """Return the page of documentation."""
    head = _HEAD.format(classes=" | ".join(RiskClass), lines=" | ".join("---" for _ in RiskClass))
    return head + "".join(f"| {' | '.join(_cells(failure))} |\n" for failure in FAILURES)


def _cells(failure: Failure) -> Iterator[str]:
    yield from (
        failure.broken,
        failure.meant,
        failure.rung,
        f"`{failure.code}`" if failure.code else "",
    )
    yield from (failure.answers[risk] for risk in RiskClass)


if __name__ == "__main__":
    print(page(), end="")
