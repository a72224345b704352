from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from detector.decisions import Decision, Rung
from detector.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from streams.broker import EmbeddedBroker
from streams.hook import Hook
from streams.processes import free_port, start, stop
from streams.records import DECISION
from tests.integration.kafka import Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import Worker, logs, prepare, pure, until

#: Long enough for a pause of the broker on a busy machine; the tests are about rungs, not about speed.
PATIENT_MS = 5_000
#: For the rungs below the worker's, which answer at the deadline: a twentieth of it is left to answer in, also on a busy machine.
WAITING_MS = 1_000


@contextmanager
def gateway(brokers: str, bundle: Path, log: Path, *, wait: bool = True, **variables: str) -> Iterator[str]:
    """``misfire gateway`` for the length of a ``with`` block; yields its address."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "streams.cli", "gateway", "--broker", brokers, "--bundle", str(bundle)]
    process = start(
        [*command, "--port", url.rpartition(":")[2]],
        log=log,
        environment=os.environ | {"MISFIRE_FETCH_MAX_WAIT": "0.01"} | variables,
    )
    try:
        until(lambda: status(url, "/readyz" if wait else "/healthz") == 200, lambda: log.read_text()[-3000:])
        yield url
    finally:
        stop(process)


def status(url: str, path: str) -> int:
    try:
        return httpx.get(f"{url}{path}", timeout=5).status_code
    except httpx.HTTPError:
        return 0


def decide_all(url: str, events: Sequence[IntentEvent], deadline_ms: int = PATIENT_MS) -> list[Decision]:
    with Hook(url, deadline_ms=deadline_ms) as hook:
        return [hook.decide(event) for event in events]


def test_the_worker_answers_through_the_hook_and_outcomes_are_applied(broker: Broker, tmp_path: Path) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=3, sessions=6)
    prepare(broker)
    with (
        Worker(broker, place, tmp_path / "log") as worker,
        gateway(broker.bootstrap, place, tmp_path / "gw") as url,
    ):
        worker.wait_ready()
        answers = decide_all(url, events)

        assert {answer.rung for answer in answers} == {Rung.WORKER}
        assert [DECISION.encode(answer) for answer in answers] == list(pure(events, bundle).values())
        committed = next(event for event in reversed(events) if event.commits)
        outcome = Outcome(
            event_id=committed.event_id,
            household_id=committed.household_id,
            outcome=OutcomeKind.DENIED,
            source=OutcomeSource.RUNTIME,
            time=committed.time,
        )
        with Hook(url, deadline_ms=PATIENT_MS) as hook:
            assert hook.report(outcome)
        until(lambda: worker.metric("misfire_outcomes_total", outcome="denied", source="runtime") == 1)


def test_the_same_event_again_gets_the_same_decision_and_is_applied_once(
    broker: Broker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    event = a_town(households=1, sessions=2)[0]
    prepare(broker)
    with (
        logs(broker) as log,
        Worker(broker, place, tmp_path / "log") as worker,
        gateway(broker.bootstrap, place, tmp_path / "g1") as one,
        gateway(broker.bootstrap, place, tmp_path / "g2") as other,
    ):
        worker.wait_ready()

        first, again, elsewhere = (decide_all(url, [event])[0] for url in (one, one, other))

        assert first == again == elsewhere
        assert log.applied(1)[event.household_id].state.events == 1


def test_without_its_worker_the_gateway_answers_and_with_a_new_one_nothing_is_lost(
    broker: Broker, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=2, sessions=4)
    third = len(events) // 3
    prepare(broker)
    with logs(broker) as log, gateway(broker.bootstrap, place, tmp_path / "gw") as url:
        with Worker(broker, place, tmp_path / "log") as worker:
            worker.wait_ready()
            before = decide_all(url, events[:third])
            worker.kill()
            during = decide_all(url, events[third : 2 * third], deadline_ms=WAITING_MS)
        with Worker(broker, place, tmp_path / "log") as worker:
            worker.wait_ready()
            after = decide_all(url, events[2 * third :])

            assert {answer.rung for answer in before + after} == {Rung.WORKER}
            assert {(answer.rung, answer.degraded) for answer in during} == {(Rung.GATEWAY, True)}
            assert {answer.reasons[0].code for answer in during} == {"worker_timeout"}
            decided = log.decided(len(events))
            assert {DECISION.decode(record.value).event_id for record in decided} == pure(
                events, bundle
            ).keys()
            assert sum(stored.state.events for stored in log.applied(len(events)).values()) == len(events)


def test_a_broker_that_stands_still_delays_no_answer(broker: Broker, tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=2, sessions=3)
    prepare(broker)
    with gateway(broker.bootstrap, place, tmp_path / "gw") as url:
        assert broker.process is not None
        os.killpg(broker.process.pid, signal.SIGSTOP)
        try:
            answers = decide_all(url, events, deadline_ms=WAITING_MS)
        finally:
            os.killpg(broker.process.pid, signal.SIGCONT)

        assert {answer.rung for answer in answers} == {Rung.GATEWAY}


def test_a_gateway_before_its_broker_answers_and_finds_it_when_it_comes(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=1, sessions=2)
    port = free_port()
    with gateway(f"127.0.0.1:{port}", place, tmp_path / "gw", wait=False) as url:
        assert httpx.get(f"{url}/readyz").json() == {"ready": False, "missing": ["kafka"]}
        early = decide_all(url, events[:1])
        assert (early[0].rung, early[0].reasons[0].code) == (Rung.GATEWAY, "broker_unreachable")

        with EmbeddedBroker(port) as broker:
            prepare(broker)
            with logs(broker) as log, Worker(broker, place, tmp_path / "log") as worker:
                worker.wait_ready()
                until(lambda: status(url, "/readyz") == 200)

                assert decide_all(url, events[1:2])[0].rung is Rung.WORKER
                # What was asked before there was a broker is in the log as well.
                assert len(log.decided(2)) == 2


@pytest.mark.parametrize("problem", ["port", "bundle"])
def test_what_is_in_the_way_is_said_in_one_sentence(problem: str, tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    port = free_port()
    with gateway(f"127.0.0.1:{free_port()}", place, tmp_path / "gw", wait=False) as taken:
        if problem == "port":
            port = int(taken.rpartition(":")[2])
        else:
            (place / "arrays.npz").write_bytes(b"damaged")
        command = [
            sys.executable,
            "-m",
            "streams.cli",
            "gateway",
            "--bundle",
            str(place),
            "--port",
            str(port),
        ]

        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    said = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode == 3
    assert said.startswith("misfire: ")
    assert (str(port) if problem == "port" else "sha256") in said
    assert "Traceback" not in ended.stderr
