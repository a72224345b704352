"""A worker and a gateway under Prometheus, with traffic that moves every metric.

The traffic contains misfires, questions, invalid records and a killed worker.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.contracts.confirmations import Result
from detector.contracts.decisions import ConfirmMethod, Decision, Verdict
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.verdict import Judgement
from detector.evidence.drift import fit_distribution
from detector.household.state import HouseholdState
from streams.files.bundles import write_bundle
from streams.hook import Hook
from streams.kafka.topics import INTENTS
from streams.local.embedded_broker import EmbeddedBroker
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    SURE,
    hand_bundle,
    hand_judge,
    heard,
    send_message,
)
from tests.integration.prometheus import Monitoring
from tests.integration.stream import a_town
from tests.integration.test_gateway import PATIENT_MS, gateway
from tests.integration.worker import Worker, prepare, producing, until

__all__ = ["SPAN", "Watched", "outcome", "watched"]

#: The interval of a rate in seconds: four scrapes and one spare.
SPAN = 5.0
#: Less than a scrape apart, so that rates see all of it.
_HOUSEHOLDS, _SESSIONS = 4, 6


@dataclass(frozen=True)
class Watched:
    """The running parts; ``began`` is the start in Unix time."""

    monitoring: Monitoring
    worker: Worker
    gateway: str
    broker: str
    began: float
    decisions: Sequence[Decision]


def bundle_with_training() -> Bundle:
    """Return the handmade bundle with the town's evidence as its training distribution."""
    found: list[Judgement] = []
    bundle, states = hand_bundle(), dict[str, HouseholdState]()
    for event in heard(a_town(_HOUSEHOLDS, 20), SURE):
        state = states.get(event.household_id) or HouseholdState.new(event.household_id)
        _, states[event.household_id] = decide(
            state, event, bundle, at=event.seconds, announce=found.append
        )
    return hand_bundle(training=fit_distribution([judgement.values for judgement in found]))


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Run the traffic once; the parts keep running for the ``with`` block."""
    place, log = folder / "bundle", folder / "worker.log"
    write_bundle(bundle_with_training(), place)
    # The shadow bundle stops commands that are new in their household.
    write_bundle(
        hand_bundle(judge=hand_judge("intent_count", edges=(0.0, 0.5), bits=(20.0, -6.0, -6.0))),
        folder / "shadow",
    )
    (folder / "monitoring").mkdir()
    with ExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker(port=0))
        prepare(broker)
        worker = stack.enter_context(
            Worker(broker, place, log, MISFIRE_SHADOW_BUNDLE=str(folder / "shadow"))
        ).wait_ready()
        url = stack.enter_context(gateway(broker.bootstrap, place, folder / "gateway.log"))
        targets = ([worker.url.removeprefix("http://")], [url.removeprefix("http://")])
        monitoring = stack.enter_context(Monitoring(folder / "monitoring", *targets)).wait_scraped()
        began = time.time()
        decisions = _play(url, "before-")
        with producing(broker) as producer:
            producer.send(INTENTS, b"not JSON", key=b"home0")
        time.sleep(SPAN)
        worker.kill()
        with Hook(url, deadline_ms=1_500) as hook:
            decisions += [hook.decide(event) for event in _message("alone", ABSURD)]
        worker.__enter__()
        worker.wait_ready()
        decisions += _play(url, "after-")
        until(
            lambda: monitoring.query("sum(misfire_hook_late_total) > 0"),
            lambda: "nothing came late",
        )
        seen = worker.metric("misfire_events_total")
        until(lambda: monitoring.query(f"sum(misfire_events_total) >= {seen}"))
        yield Watched(monitoring, worker, url, broker.bootstrap, began, decisions)


def _play(url: str, name: str) -> list[Decision]:
    """Play a day of the town with misfires, slowly enough for scrapes; answer its questions."""
    decisions = []
    with Hook(url, deadline_ms=PATIENT_MS) as hook:
        for number, event in enumerate(heard(a_town(_HOUSEHOLDS, _SESSIONS, name), SURE)):
            decisions.append(hook.decide(event))
            if event.commits:
                hook.report(outcome(event, OutcomeKind.EXECUTED))
            if number % 40 == 0:
                time.sleep(1.0)
        for number, heard_so in enumerate((DOUBTFUL, ABSURD, DOUBTFUL)):
            events = _message(f"{name}{number}", heard_so)
            decisions += [hook.decide(event) for event in events]
            hook.decide(events[-1])
            if decisions[-1].verdict is Verdict.CONFIRM:
                said = " ".join(decisions[-1].confirm.challenge if decisions[-1].confirm else ())
                answer = hook.confirm(decisions[-1], ConfirmMethod.CHALLENGE, said=said)
                assert answer.result is Result.CONFIRMED
    time.sleep(SPAN)
    return decisions


def _message(name: str, wake: float) -> list[IntentEvent]:
    """Return the events of a message sent now."""
    now = datetime.now(UTC)
    return [
        replace(
            each,
            event_id=f"{name}-{number}",
            household_id=f"house-{name}",
            time=now + timedelta(milliseconds=number),
        )
        for number, each in enumerate(heard(send_message(), wake))
    ]


def outcome(event: IntentEvent, kind: OutcomeKind) -> Outcome:
    """Return an outcome as the runtime reports it."""
    return Outcome(
        event_id=event.event_id,
        household_id=event.household_id,
        outcome=kind,
        source=OutcomeSource.RUNTIME,
        time=event.time,
    )
