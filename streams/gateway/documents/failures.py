"""The answers under each kind of failure: which rung answers, with which reason and verdict.

``streams/gateway/documents/failures.md`` is generated from ``FAILURES``
(``python -m streams.gateway.documents.failures``). ``tests/integration/test_failures.py`` causes
each failure and requests a decision on a command of every risk class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from detector.contracts.decisions import RiskClass, Rung, Verdict

__all__ = ["FAILURES", "Failure", "Judged", "page"]


class Judged(StrEnum):
    """A verdict of a model, in place of the policy's fallback."""

    HOUSEHOLD = "the household's model"
    POPULATION = "the population's model"
    ASKED = "the population's model, at least confirm"
    ASKED_FIRST = "the household's model, at least confirm the first time"


#: For each risk class, a verdict, or the model that gives one.
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


#: An unknown intent that does little harm is judged by what the household itself did.
_UNKNOWN: Answers = MappingProxyType(
    dict(_RULE) | {RiskClass.READ_ONLY: Judged.HOUSEHOLD, RiskClass.REVERSIBLE: Judged.HOUSEHOLD}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of failure.

    Attributes:
        broken: its name.
        rung: the rung that answers.
        code: the code of the first reason, unless the household's model answers; empty if it
            always does.
        answers: the verdict by risk class.
        meaning: a description, as a clause.
    """

    broken: str
    rung: Rung
    code: str
    answers: Answers
    meaning: str


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
        "it is waiting for its partitions or reading its table",
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
        "no broker responds to the gateway, so requests do not wait for one",
    ),
    Failure(
        "deadline too short",
        Rung.GATEWAY,
        "deadline_too_short",
        _POPULATION,
        "no time is left to wait for a worker",
    ),
    Failure(
        "no bundle",
        Rung.POLICY,
        "no_bundle",
        _RULE,
        "the gateway has no bundle, and no worker answers in time",
    ),
    Failure(
        "bundle corrupt",
        Rung.POLICY,
        "bundle_damaged",
        _RULE,
        "the gateway's bundle is damaged, and no worker answers in time",
    ),
    Failure(
        "gateway overloaded",
        Rung.POLICY,
        "overloaded",
        _RULE,
        "the capacity for the command's risk class is exhausted",
    ),
    Failure(
        "clock skewed",
        Rung.WORKER,
        "",
        _HOUSEHOLD,
        "the device's clock differs by more than the policy allows: "
        "the log's time is used, with the reason `clock_replaced`",
    ),
    Failure(
        "gateway gone",
        Rung.POLICY,
        "gateway_unreachable",
        _RULE,
        "the client reaches no gateway: its own copy of the policy answers",
    ),
    Failure(
        "unknown intent",
        Rung.WORKER,
        "unknown_intent",
        _UNKNOWN,
        "too few households in the training data used it, and this household never did",
    ),
    Failure(
        "household new",
        Rung.WORKER,
        "",
        _HOUSEHOLD,
        "it has no history: the population's model and the thresholds for new households apply",
    ),
)

_HEAD = """\
# Answers during failures

Every command gets an answer before its deadline, whichever part has failed. This page is generated
from `streams/gateway/documents/failures.py`. `tests/integration/test_failures.py` causes each of
these failures and requests a decision on a command of every risk class.

An answer below the worker's rung is marked `degraded`. The code of its first reason says why. It is
counted by rung and reason (`misfire_hook_answers_total`).

The fallbacks in the table are those of the packaged policy. Another policy has its own (`fallback`
of a risk class).

On every rung, a command that no rule of the policy names needs a confirmation
(`unclassified_intent`), or is blocked if its class has no confirmation method. The same holds for a
physical command that is new to the household (`first_physical_command`). The gateway does not know
the household's history, so it requires a confirmation of every physical command.

[Rules](../../lifecycle/rules.md) to block or to confirm hold wherever a worker or a gateway
answers. Where the policy answers, no rule makes an answer milder. If an error keeps the rules from
applying to its answer, the last reason is `rules_failed`, and `misfire_rule_commands_total` counts
the answer under `failed`.

| failure | meaning | rung | reason | {classes} |
| --- | --- | --- | --- | {lines} |
"""


def page() -> str:
    """Return the Markdown page."""
    head = _HEAD.format(classes=" | ".join(RiskClass), lines=" | ".join("---" for _ in RiskClass))
    return head + "".join(f"| {' | '.join(_cells(failure))} |\n" for failure in FAILURES)


def _cells(failure: Failure) -> Iterator[str]:
    yield from (
        failure.broken,
        failure.meaning,
        failure.rung,
        f"`{failure.code}`" if failure.code else "",
    )
    yield from (failure.answers[risk] for risk in RiskClass)


if __name__ == "__main__":
    print(page(), end="")
