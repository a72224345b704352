"""Make workers lag and send many misfires; the alerts fire and resolve.

A minute of the rules is a second here. These tests need their own module with two workers and their
own policy: dozens of commands exhaust its budgets, and its questions stay open for as long as a
busy machine needs.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from detector.contracts.confirmations import Result
from detector.contracts.decisions import ConfirmMethod, Decision, RiskClass, Verdict
from detector.contracts.events import Act, IntentEvent, OutcomeKind
from streams.files.bundles import write_bundle
from streams.hook import Hook
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    POLICY_TEXT,
    SURE,
    event,
    hand_bundle,
    outcome,
    policy,
)
from tests.integration.installation import Installation, installed
from tests.integration.kafka import ON_KAFKA, ApacheKafka, wipe
from tests.integration.test_gateway import PATIENT_MS
from tests.integration.worker import PATIENCE, publish, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: Replacements in the packaged policy. The alert on interruptions fires at twice the class's
#: budget: 40 % of the messages.
_POLICY = {
    "expires_seconds = 60.0": "expires_seconds = 3600.0",
    "share = 0.1\nleast_commands = 200": "share = 0.4\nleast_commands = 20",
    "harm = 400.0\ndenial = 30.0\nbudget = 0.05": "harm = 400.0\ndenial = 30.0\nbudget = 0.2",
}
_NUMBERS = count()
#: The alerts that many misfires cause, in the order in which they fire.
_MISFIRES = (
    "MisfireBlockBudgetSpent",
    "MisfireStoppedFarAboveNormal",
    "MisfireConfirmationsDenied",
    "MisfireInterruptionsOverBudget",
)


@pytest.fixture(scope="module", params=[ON_KAFKA])
def installation(
    started_kafka: ApacheKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Run an installation with two workers and this module's policy.

    One worker may hang for half a minute without losing its partitions.
    """
    text = POLICY_TEXT
    for before, after in _POLICY.items():
        assert before in text
        text = text.replace(before, after)
    folder = tmp_path_factory.mktemp("decisions")
    write_bundle(hand_bundle(rules=policy(text)), folder / "bundle")
    wipe(started_kafka.bootstrap)
    with installed(
        folder, folder / "bundle", started_kafka, 2, MISFIRE_SESSION_TIMEOUT="30"
    ) as everything:
        yield everything


def test_a_hung_worker_of_two_is_alerted(installation: Installation) -> None:
    """The hung worker must keep its partitions.

    A takeover would leave no worker ready for half a second, which is half a minute here.
    """
    process = installation.worker.process
    try:
        installation.breaks("MisfireWorkerMissing", lambda: os.killpg(process.pid, signal.SIGSTOP))
    finally:
        os.killpg(process.pid, signal.SIGCONT)
    installation.is_repaired("MisfireWorkerMissing", lambda: None)


def test_a_growing_backlog_and_dropped_conversations_are_alerted(
    installation: Installation,
) -> None:
    """The backlog grows by a hundred records a second; processed records are replaced.

    Each record begins a conversation of one of 100 households, so most are dropped as well.
    """

    def fall_behind() -> None:
        began, sent, before = time.monotonic(), 0, _decided(installation)
        while "MisfireLagGrows" not in installation.fired_since(began):
            lasted = time.monotonic() - began
            waiting = sent - (_decided(installation) - before)
            assert lasted < PATIENCE, f"{waiting} of {sent} wait"
            # Twice the missing number, because workers decide in the meantime.
            missing = 2 * max(round(200 + 100 * lasted - waiting), 0)
            publish(installation.broker, _lamps(missing))
            sent += missing

    began = time.monotonic()
    installation.breaks("MisfireLagGrows", fall_behind)
    installation.hears("MisfireSessionsDropped", began)
    # The workers may have caught up while the page was handled.
    for alert in ("MisfireLagGrows", "MisfireSessionsDropped"):
        installation.is_over(alert, began)


def _lamps(number: int) -> list[IntentEvent]:
    """Return commands of another class than messages, dated a day ago.

    The block budget looks back an hour, so they do not count in it.
    """
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return [
        event(
            event_id=f"lamp-{each}",
            household_id=f"lamp-{each % 100}",
            session_id=f"lamp-{each}",
            time=yesterday + timedelta(milliseconds=each),
            intent="lights.TurnOn",
            act=Act.INITIATE,
            commits=True,
            wake_confidence=SURE,
        )
        for each in islice(_NUMBERS, number)
    ]


def test_a_skill_without_a_rule_and_a_runtime_that_ignores_verdicts_are_alerted(
    installation: Installation,
) -> None:
    """Both alerts look back an hour, so the test waits for both at the same time."""
    installation.breaks(
        "MisfireIntentsUnclassified", lambda: publish(installation.broker, _quizzes(12))
    )
    installation.breaks("MisfireRanRefused", lambda: _run_anyway(installation))
    broken = time.monotonic()
    for alert in ("MisfireIntentsUnclassified", "MisfireRanRefused"):
        installation.is_over(alert, broken)


def _run_anyway(installation: Installation) -> None:
    """Report that a few blocked commands ran."""
    blocked = installation.commands(8, ABSURD)
    with Hook(installation.gateway.url, deadline_ms=PATIENT_MS) as hook:
        for decision in blocked:
            ran = outcome(
                decision.event_id, OutcomeKind.EXECUTED, household_id=decision.household_id
            )
            assert not hook.report(ran)


def _quizzes(number: int) -> list[IntentEvent]:
    """Let ``number`` households use an unclassified skill."""
    return [
        event(
            event_id=f"quiz-{each}",
            household_id=f"quiz-{each}",
            session_id=f"quiz-{each}",
            time=datetime.now(UTC),
            intent="quiz.Start",
            commits=True,
        )
        for each in range(number)
    ]


def _decided(installation: Installation) -> float:
    workers = (installation.worker, *installation.others)
    return sum(worker.metric("misfire_events_total") for worker in workers)


def test_many_misfires_are_alerted(installation: Installation) -> None:
    """Meant lamp commands become the normal share after the 15 minutes that count as recent."""
    before = _decided(installation)
    publish(installation.broker, _lamps(1500))
    until(lambda: _decided(installation) >= before + 1500)
    until(lambda: installation.monitoring.query("sum(increase(misfire_commands_total[15s])) == 0"))
    began = time.monotonic()
    decisions = installation.commands(100, ABSURD)
    assert {decision.verdict for decision in decisions} == {Verdict.BLOCK, Verdict.CONFIRM}
    assert {decision.risk_class for decision in decisions} == {RiskClass.PRIVATE_OUTBOUND}
    questions = installation.commands(30, DOUBTFUL)
    with Hook(installation.gateway.url, deadline_ms=PATIENT_MS) as hook:
        _answer(hook, questions[:12], accepted=False)
        for alert in _MISFIRES:
            installation.hears(alert, began)
        _answer(hook, questions[12:], accepted=True)
    installation.commands(300)
    for alert in _MISFIRES:
        installation.is_over(alert, began)


def _answer(hook: Hook, questions: list[Decision], *, accepted: bool) -> None:
    """Confirm each question with its challenge words."""
    for asked in questions:
        assert asked.confirm is not None
        said = " ".join(asked.confirm.challenge)
        result = hook.confirm(asked, ConfirmMethod.CHALLENGE, accepted=accepted, said=said)
        assert result.result is (Result.CONFIRMED if accepted else Result.DENIED), result
