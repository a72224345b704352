from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from detector.contracts.decisions import Decision, Rung
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from streams.hook import Hook
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from streams.wire.late_answer import LATE
from streams.wire.records import DECISION, INTENT
from tests import loopback
from tests.commands import misfire
from tests.integration.forked import start_misfire
from tests.integration.kafka import ApacheKafka
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import FETCH_MAX_WAIT, Worker, logged_at, logs, prepare, pure, until
from tests.streams.hook.runtime import runtime

#: Long enough for a pause of the broker on a busy machine: the tests check rungs, not speed.
PATIENT_MS = 5_000
#: For the rungs below the worker's, which answer shortly before the deadline, also on a busy
#: machine.
WAITING_MS = 1_000


@contextmanager
def gateway(
    brokers: str, bundle: Path, log: Path, *, wait: bool = True, **variables: str
) -> Iterator[str]:
    """Run ``misfire gateway`` for a ``with`` block; yield its address."""
    url = f"http://127.0.0.1:{free_port()}"
    process = start_misfire(
        *("gateway", "--broker", brokers, "--bundle", str(bundle)),
        *("--port", url.rpartition(":")[2]),
        log=log,
        environment=os.environ | FETCH_MAX_WAIT | variables,
    )
    try:
        until(
            lambda: hears_replies(url) if wait else status(url, "/healthz") == 200,
            lambda: log.read_text()[-3000:],
        )
        yield url
    finally:
        process.stop()


def hears_replies(url: str) -> bool:
    """Return whether the gateway is connected to Kafka, with or without workers that answer."""
    try:
        return "kafka" not in loopback.get(f"{url}/readyz").json()["missing"]
    except httpx.HTTPError:
        return False


def status(url: str, path: str) -> int:
    try:
        return loopback.get(f"{url}{path}").status_code
    except httpx.HTTPError:
        return 0


def post(url: str, event: IntentEvent, path: str = "/v1/decide", **headers: str) -> httpx.Response:
    named = {"content-type": "application/json", "x-misfire-deadline-ms": str(PATIENT_MS)} | headers
    return loopback.post(f"{url}{path}", content=INTENT.encode(event), headers=named, timeout=30)


def decide_all(
    url: str, events: Sequence[IntentEvent], deadline_ms: int = PATIENT_MS
) -> list[Decision]:
    with Hook(url, deadline_ms=deadline_ms) as hook:
        return [hook.decide(event) for event in events]


def test_the_worker_answers_through_the_hook_and_outcomes_are_applied(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=3, sessions=6)
    prepare(apache_kafka)
    with (
        Worker(apache_kafka, place, tmp_path / "log") as worker,
        gateway(apache_kafka.bootstrap, place, tmp_path / "gw") as url,
    ):
        worker.wait_ready()
        answers = decide_all(url, events)

        assert {answer.rung for answer in answers} == {Rung.WORKER}
        expected = pure(events, bundle, logged_at(apache_kafka))
        assert [DECISION.encode(answer) for answer in answers] == list(expected.values())
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
        until(
            lambda: worker.metric("misfire_outcomes_total", outcome="denied", source="runtime") == 1
        )


def test_a_repeated_event_gets_the_same_decision_and_is_applied_once(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    event = a_town(households=1, sessions=2)[0]
    prepare(embedded)
    with (
        logs(embedded) as log,
        Worker(embedded, place, tmp_path / "log") as worker,
        gateway(embedded.bootstrap, place, tmp_path / "g1") as one,
        gateway(embedded.bootstrap, place, tmp_path / "g2") as other,
    ):
        worker.wait_ready()

        with ThreadPoolExecutor() as pool:
            together = list(pool.map(lambda url: decide_all(url, [event])[0], (one, other, one)))
        later = [decide_all(url, [event])[0] for url in (one, other)]
        another = {url: post(url, replace(event, session_id="another")) for url in (one, other)}
        elsewhere = replace(event, event_id="x", session_id="one")
        assert decide_all(one, [elsewhere])[0].rung is Rung.WORKER

        assert all(answer == together[0] for answer in together + later)
        assert {answer.status_code for answer in another.values()} == {409}
        # The second gateway does not know the event: the worker reports that its id was used.
        assert post(other, replace(elsewhere, session_id="another")).status_code == 409
        assert log.applied(2)[event.household_id].state.events == 2


def test_a_gateway_answers_without_a_worker_and_a_new_worker_loses_nothing(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town(households=2, sessions=4)
    third = len(events) // 3
    prepare(apache_kafka)
    with logs(apache_kafka) as log, gateway(apache_kafka.bootstrap, place, tmp_path / "gw") as url:
        with Worker(apache_kafka, place, tmp_path / "log") as worker:
            worker.wait_ready()
            before = decide_all(url, events[:third])
            worker.kill()
            during = decide_all(url, events[third : 2 * third], deadline_ms=WAITING_MS)
        with Worker(apache_kafka, place, tmp_path / "log") as worker:
            worker.wait_ready()
            after = decide_all(url, events[2 * third :])

            assert {answer.rung for answer in before + after} == {Rung.WORKER}
            assert {(answer.rung, answer.degraded) for answer in during} == {(Rung.GATEWAY, True)}
            assert {answer.reasons[0].code for answer in during} == {"worker_timeout"}
            decided = log.decided(len(events))
            assert {DECISION.decode(record.value).event_id for record in decided} == pure(
                events, bundle
            ).keys()
            assert sum(stored.state.events for stored in log.applied(len(events)).values()) == len(
                events
            )


def test_a_late_answer_that_disagrees_is_recorded_and_delivered(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    asked = [event for event in a_town(households=2, sessions=6) if event.commits]
    with EmbeddedBroker() as broker, runtime(204) as (callback, heard):
        prepare(broker)
        # Without a bundle the gateway can only apply the policy.
        allowed = {"MISFIRE_CALLBACK_URLS": callback}
        with gateway(
            broker.bootstrap, tmp_path / "none", tmp_path / "gw", wait=False, **allowed
        ) as url:
            until(lambda: loopback.get(f"{url}/readyz").json()["missing"][-1:] == ["bundle"])
            until(lambda: hears_replies(url))
            answers = [
                DECISION.decode(
                    post(
                        url,
                        event,
                        **{"x-misfire-deadline-ms": "20", "x-misfire-late-url": callback},
                    ).content
                )
                for event in asked
            ]
            with (
                httpx.stream("GET", f"{url}/v1/late", timeout=60) as events,
                Worker(broker, place, tmp_path / "log") as worker,
            ):
                worker.wait_ready()
                line = next(line for line in events.iter_lines() if line.startswith("data: "))
                with logs(broker) as log:
                    decided = {
                        r.value: DECISION.decode(r.value) for r in log.decided(len(asked))
                    }.values()
                verdicts = {decision.event_id: decision.effective_verdict for decision in decided}
                differing = [
                    a.event_id for a in answers if a.effective_verdict is not verdicts[a.event_id]
                ]
                until(lambda: len(heard) == len(differing))
            late = ("decisions", "late", "--from-beginning", "--json", "--broker", broker.bootstrap)
            listed = misfire(*late, "--limit", len(differing)).stdout

    assert {answer.rung for answer in answers} == {Rung.POLICY}
    assert LATE.decode(line.removeprefix("data: ").encode()).event_id in differing
    assert sorted(LATE.decode(value).event_id for value in heard) == sorted(differing)
    assert sorted(LATE.decode(value.encode()).event_id for value in listed.splitlines()) == sorted(
        differing
    )


def test_a_hung_broker_delays_no_answer(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=2, sessions=3)
    prepare(apache_kafka)
    with gateway(apache_kafka.bootstrap, place, tmp_path / "gw") as url:
        assert apache_kafka.process is not None
        os.killpg(apache_kafka.process.pid, signal.SIGSTOP)
        try:
            answers = decide_all(url, events, deadline_ms=WAITING_MS)
        finally:
            os.killpg(apache_kafka.process.pid, signal.SIGCONT)

        assert {answer.rung for answer in answers} == {Rung.GATEWAY}


def test_a_gateway_started_before_its_broker_answers_and_connects_later(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=1, sessions=2)
    port = free_port()
    with gateway(f"127.0.0.1:{port}", place, tmp_path / "gw", wait=False) as url:
        assert loopback.get(f"{url}/readyz").json() == {"ready": False, "missing": ["kafka"]}
        early = decide_all(url, events[:1])
        assert (early[0].rung, early[0].reasons[0].code) == (Rung.GATEWAY, "broker_unreachable")

        with EmbeddedBroker(port) as broker:
            prepare(broker)
            with logs(broker) as log, Worker(broker, place, tmp_path / "log") as worker:
                worker.wait_ready()
                until(lambda: status(url, "/readyz") == 200)

                assert decide_all(url, events[1:2])[0].rung is Rung.WORKER
                # Requests from before the broker started are in the log as well.
                assert len(log.decided(2)) == 2


def test_a_port_in_use_is_reported_in_one_sentence(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    with gateway(f"127.0.0.1:{free_port()}", place, tmp_path / "gw", wait=False) as taken:
        port = taken.rpartition(":")[2]
        ended = misfire("gateway", "--bundle", place, "--port", port)

    last = json.loads(ended.stderr.splitlines()[-1])
    assert ended.returncode == 3
    assert last["level"] == "critical"
    assert port in last["event"]
    assert "Traceback" not in ended.stderr
