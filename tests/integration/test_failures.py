"""Cause each failure of the failure table and compare the answers for every risk class."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from detector.contracts.decisions import Decision, RiskClass, Rung
from detector.contracts.events import Act, IntentEvent
from detector.decision.decide import decide
from detector.household.state import HouseholdState
from detector.training.fit_model import fit_model
from streams.files.bundles import read_bundle, write_bundle
from streams.gateway.documents.failures import FAILURES, Failure, Judged
from streams.hook import Hook
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from streams.wire.records import DECISION
from tests import loopback
from tests.detector.builders import ABSURD, dialogue, event, hand_bundle, training_sessions
from tests.integration.forked import Forked
from tests.integration.test_gateway import (
    PATIENT_MS,
    WAITING_MS,
    gateway,
    hears_replies,
    post,
    status,
)
from tests.integration.worker import Worker, prepare, publish, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

COMMANDS: Mapping[RiskClass, str] = {
    RiskClass.READ_ONLY: "weather.GetForecast",
    RiskClass.REVERSIBLE: "lights.TurnOn",
    RiskClass.PRIVATE_OUTBOUND: "messages.SendMessage",
    RiskClass.PURCHASE: "shopping.BuyThing",
    RiskClass.PHYSICAL: "locks.Open",
}
_NUMBERS = count()


@dataclass
class Place:
    """The running parts, and how to send requests: URL, deadline, clock offset and commands."""

    broker: EmbeddedBroker
    worker: Worker
    bundle: Path
    folder: Path
    url: str
    deadline_ms: int = WAITING_MS
    ahead: timedelta = timedelta(0)
    by_client: bool = False
    commands: Mapping[RiskClass, str] = field(default_factory=lambda: COMMANDS)

    def command(self, risk: RiskClass) -> IntentEvent:
        """Return a command of a new household that probably was not meant."""
        name = f"broken-{next(_NUMBERS)}"
        return event(
            event_id=name,
            household_id=name,
            session_id=name,
            time=datetime.now(UTC) + self.ahead,
            intent=self.commands[risk],
            commits=True,
            wake_confidence=ABSURD,
        )

    def ask(self) -> dict[RiskClass, tuple[IntentEvent, Decision]]:
        """Request decisions on a command of each risk class, all at the same time."""
        asked = {risk: self.command(risk) for risk in RiskClass}
        with (
            Hook(self.url, deadline_ms=self.deadline_ms) as hook,
            ThreadPoolExecutor(len(asked)) as pool,
        ):
            decided = pool.map(hook.decide if self.by_client else self._patiently, asked.values())
            return dict(zip(asked, zip(asked.values(), decided, strict=True), strict=True))

    def _patiently(self, about: IntentEvent) -> Decision:
        """Request a decision, and wait longer than the deadline: the machine may be busy."""
        return DECISION.decode(
            post(self.url, about, **{"x-misfire-deadline-ms": str(self.deadline_ms)}).content
        )

    def another(self, bundle: Path, **variables: str) -> AbstractContextManager[str]:
        """Start another gateway, with another bundle or other settings."""
        name = f"gateway-{next(_NUMBERS)}.log"
        return gateway(self.broker.bootstrap, bundle, self.folder / name, wait=False, **variables)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("failures")
    known = dialogue(*((intent, Act.INITIATE, True) for intent in COMMANDS.values()))
    bundle = folder / "bundle"
    write_bundle(
        hand_bundle(model=fit_model([known, *training_sessions()], clones=3, iterations=5)), bundle
    )
    with ExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker())
        prepare(broker)
        worker = stack.enter_context(Worker(broker, bundle, folder / "worker.log")).wait_ready()
        url = stack.enter_context(gateway(broker.bootstrap, bundle, folder / "gateway.log"))
        yield Place(broker, worker, bundle, folder, url)


@pytest.fixture
def place(whole: Place) -> Place:
    """Return a place in which everything works again, for the next failure."""
    until(lambda: status(whole.url, "/readyz") == 200)
    whole.worker.wait_ready()
    return replace(whole)


@contextmanager
def hung(process: subprocess.Popen[bytes] | Forked) -> Iterator[None]:
    """Suspend a process: it neither exits nor closes a connection."""
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGCONT)


@contextmanager
def worker_gone(place: Place) -> Iterator[Place]:
    place.worker.kill()
    yield place
    place.worker.__enter__()


@contextmanager
def worker_joining(place: Place) -> Iterator[Place]:
    place.worker.kill()
    place.worker.__enter__()
    until(lambda: status(place.worker.url, "/healthz") == 200)
    with hung(place.worker.process):  # otherwise it might be ready before the request
        yield place


@contextmanager
def worker_behind(place: Place) -> Iterator[Place]:
    with hung(place.worker.process):
        publish(place.broker, [place.command(risk) for risk in RiskClass for _ in range(20)])
        yield place


@contextmanager
def broker_slow(place: Place) -> Iterator[Place]:
    with hung(_process(place.broker)):
        yield place


@contextmanager
def broker_gone(place: Place) -> Iterator[Place]:
    with hung(_process(place.broker)):
        # It may be unready a little earlier, when no worker answers a probe.
        until(lambda: "misfire_broker_reachable 0" in loopback.get(f"{place.url}/metrics").text)
        yield place


@contextmanager
def deadline_too_short(place: Place) -> Iterator[Place]:
    yield replace(place, deadline_ms=1)


@contextmanager
def no_bundle(place: Place) -> Iterator[Place]:
    with hung(place.worker.process), place.another(place.folder / "nowhere") as url:
        yield replace(place, url=url)


@contextmanager
def bundle_corrupt(place: Place) -> Iterator[Place]:
    damaged = place.folder / "damaged"
    shutil.copytree(place.bundle, damaged)
    for file in damaged.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:-100])
    with hung(place.worker.process), place.another(damaged) as url:
        yield replace(place, url=url)


@contextmanager
def gateway_overloaded(place: Place) -> Iterator[Place]:
    """Run a gateway with one place for waiting requests, which is taken."""
    with (
        hung(place.worker.process),
        place.another(place.bundle, MISFIRE_MAX_WAITING="1") as url,
        ThreadPoolExecutor(1) as pool,
    ):
        until(lambda: hears_replies(url))  # without Kafka, nothing waits
        patient = replace(place, url=url, deadline_ms=PATIENT_MS)
        waiting = pool.submit(patient._patiently, place.command(RiskClass.PHYSICAL))
        until(lambda: "misfire_hook_in_flight 1" in loopback.get(f"{url}/metrics").text)
        yield replace(place, url=url)
        assert waiting.result().rung is Rung.GATEWAY


@contextmanager
def clock_skewed(place: Place) -> Iterator[Place]:
    yield replace(place, deadline_ms=PATIENT_MS, ahead=timedelta(hours=1))


@contextmanager
def gateway_gone(place: Place) -> Iterator[Place]:
    # No server listens there. The connection is refused at once, but on a busy machine that can
    # take longer than the usual deadline.
    yield replace(
        place, url=f"http://127.0.0.1:{free_port()}", by_client=True, deadline_ms=PATIENT_MS
    )


@contextmanager
def unknown_intent(place: Place) -> Iterator[Place]:
    never = {risk: f"{intent}Never" for risk, intent in COMMANDS.items()}
    yield replace(place, deadline_ms=PATIENT_MS, commands=never)


@contextmanager
def household_new(place: Place) -> Iterator[Place]:
    yield replace(place, deadline_ms=PATIENT_MS)


BREAKING: Mapping[str, Callable[[Place], AbstractContextManager[Place]]] = {
    each.__name__.replace("_", " "): each
    for each in (
        worker_gone,
        worker_joining,
        worker_behind,
        broker_slow,
        broker_gone,
        deadline_too_short,
        no_bundle,
        bundle_corrupt,
        gateway_overloaded,
        clock_skewed,
        gateway_gone,
        unknown_intent,
        household_new,
    )
}


def _process(broker: EmbeddedBroker) -> subprocess.Popen[bytes]:
    assert broker.process is not None
    return broker.process


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.broken)
def test_the_answers_match_the_failure_table(failure: Failure, place: Place) -> None:
    with BREAKING[failure.broken](place) as broken:
        answers = broken.ask()

    bundle = read_bundle(place.bundle)
    for risk, (about, decision) in answers.items():
        assert (decision.rung, decision.risk_class) == (failure.rung, risk)
        assert decision.degraded is (failure.rung is not Rung.WORKER)
        wanted = failure.answers[risk]
        if failure.code and wanted is not Judged.HOUSEHOLD:
            assert decision.reasons[0].code == failure.code
        if isinstance(wanted, Judged):
            wanted = decide(
                HouseholdState.new(about.household_id), about, bundle, at=about.seconds
            )[0].verdict
        assert decision.verdict is wanted
