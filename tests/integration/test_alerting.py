"""Break a part, and the page arrives; repair it, and the page resolves. With real Prometheus and Alertmanager.

A minute of the installed rules is a second here. What is printed (pytest -rP) is how long it took from breaking to the page, and from
repairing to the page that says so, with everything in between: noticing, scraping, rules, grouping.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from dashboards.config import Config
from streams.broker import EmbeddedBroker
from streams.doctor import examine
from streams.processes import free_port, start, stop
from streams.records import INTENT
from streams.settings import Settings
from streams.topics import DECISIONS, INTENTS, admin, create_topics
from tests.integration.kafka import ApacheKafka
from tests.integration.prometheus import Monitoring, Pager
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.test_gateway import decide_all, status
from tests.integration.worker import PARTITIONS, Worker, logs, prepare, producing, publish, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Gateway:
    """``misfire gateway``, which can be stopped and started again at the same address."""

    def __init__(self, broker: EmbeddedBroker, log: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log, self._broker = log, broker
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, bundle: Path) -> None:
        """Start it with this bundle, after stopping what ran; wait until it answers."""
        self.stop()
        command = [sys.executable, "-m", "streams.cli", "gateway", "--broker", self._broker.bootstrap]
        command += ["--bundle", str(bundle), "--port", self.url.rpartition(":")[2]]
        self._process = start(
            command, log=self._log, environment=os.environ | {"MISFIRE_FETCH_MAX_WAIT": "0.01"}
        )
        until(lambda: status(self.url, "/healthz") == 200)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            stop(self._process)
            self._process = None


@dataclass
class Installation:
    """Everything that runs."""

    broker: EmbeddedBroker
    worker: Worker
    gateway: Gateway
    bundle: Path
    monitoring: Monitoring
    pager: Pager

    @property
    def settings(self) -> Settings:
        """As the doctor is told of it."""
        worker, asked = self.worker.url.rpartition(":"), self.gateway.url.rpartition(":")
        return Settings(
            broker=self.broker.bootstrap,
            partitions=PARTITIONS,
            bundle=self.bundle,
            worker_port=int(worker[2]),
            gateway_port=int(asked[2]),
            prometheus=self.monitoring.url,
            alertmanager=self.monitoring.alertmanager_url,
        )

    def doctor(self, *, page: bool = False) -> dict[str, str]:
        """What is wrong, by part."""
        return {finding.part: finding.text for finding in examine(self.settings, page=page) if not finding.ok}

    def breaks(self, alert: str, breaking: Callable[[], object]) -> None:
        """Break something; the page has to arrive."""
        began = time.monotonic()
        breaking()
        page = self.pager.wait(alert, "firing", began)
        assert page.annotations["runbook_url"].endswith(f"#{alert.lower()}")
        assert page.receiver == ("pages" if page.labels["severity"] == "page" else "tickets")
        print(f"{alert}: {page.at - began:.1f} s from breaking to {page.receiver}")

    def is_repaired(self, alert: str, repairing: Callable[[], object]) -> None:
        """Repair it; the page has to resolve."""
        began = time.monotonic()
        repairing()
        page = self.pager.wait(alert, "resolved", began)
        print(f"{alert}: {page.at - began:.1f} s from repairing to resolved")

    def told_of(self, since: float) -> set[str]:
        """Alerts that fired since then."""
        return {n.alert for n in self.pager.notifications if n.at > since and n.status == "firing"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("alerting")
    _, bundle = bundle_on_disk(folder)
    (folder / "monitoring").mkdir()
    with ExitStack() as stack:
        broker = stack.enter_context(EmbeddedBroker())
        prepare(broker)
        worker = stack.enter_context(Worker(broker, bundle, folder / "worker.log"))
        gateway = Gateway(broker, folder / "gateway.log")
        stack.callback(gateway.stop)
        gateway.start(bundle)
        worker.wait_ready()
        pager = stack.enter_context(Pager())
        monitoring = Monitoring(
            folder / "monitoring",
            [_address(worker.url)],
            [_address(gateway.url)],
            pager,
            Config(least_workers=1),
        )
        stack.enter_context(monitoring).wait_scraped()
        yield Installation(broker, worker, gateway, bundle, monitoring, pager)


def _address(url: str) -> str:
    return url.removeprefix("http://")


def test_when_all_is_well_nobody_is_told_and_a_test_page_arrives(installation: Installation) -> None:
    decide_all(installation.gateway.url, a_town(households=1, sessions=3, name="well-"))
    until(lambda: installation.monitoring.query("sum(misfire_hook_answers_total) > 0"))
    # Before its first scrape Prometheus sees no worker, for longer than a minute that is a second here.
    until(lambda: not installation.monitoring.query('ALERTS{alertstate="firing"}'))
    began = time.monotonic()

    assert not installation.doctor(page=True)
    assert installation.told_of(began) == {"MisfireTestPage"}


def test_a_worker_that_is_gone(installation: Installation) -> None:
    began = time.monotonic()
    installation.breaks("MisfireNoWorkerReady", installation.worker.kill)
    assert installation.doctor().keys() == {"worker", "scrape", "alerts"}

    installation.is_repaired("MisfireNoWorkerReady", installation.worker.__enter__)
    # The page came; a ticket about the same may slip out in the moment in which the page resolves, and nothing else may.
    told = installation.told_of(began)
    assert "MisfireNoWorkerReady" in told
    assert told <= {"MisfireNoWorkerReady", "MisfireWorkerMissing"}
    assert not installation.doctor()


def test_a_broker_that_is_gone_silences_what_follows(installation: Installation) -> None:
    process = installation.broker.process
    assert process is not None
    began = time.monotonic()
    installation.breaks("MisfireBrokerGone", lambda: os.killpg(process.pid, signal.SIGSTOP))

    until(
        lambda: installation.monitoring.query('ALERTS{alertname="MisfireWorkerMissing",alertstate="firing"}')
    )
    until(lambda: _silenced(installation, "MisfireWorkerMissing"))
    installation.is_repaired("MisfireBrokerGone", lambda: os.killpg(process.pid, signal.SIGCONT))
    assert installation.told_of(began) == {"MisfireBrokerGone"}
    until(lambda: not installation.monitoring.query('ALERTS{alertstate="firing"}'))


def _silenced(installation: Installation, alert: str) -> bool:
    """Whether Alertmanager knows of an alert and tells nobody because another explains it."""
    known = httpx.get(f"{installation.monitoring.alertmanager_url}/api/v2/alerts", timeout=5).json()
    return any(found["labels"]["alertname"] == alert and found["status"]["inhibitedBy"] for found in known)


def test_a_record_that_cannot_be_read_and_a_clock_that_is_ahead(installation: Installation) -> None:
    event = replace(a_town(1, 1, "ahead-")[0], time=datetime.now(UTC) + timedelta(hours=1))

    def send(key: str, value: bytes) -> None:
        with producing(installation.broker) as producer:
            producer.send(INTENTS, value, key=key.encode())

    installation.breaks("MisfireDeadLetters", lambda: send("h1", b"{"))
    installation.breaks("MisfireClockSkew", lambda: send(event.household_id, INTENT.encode(event)))
    installation.is_repaired("MisfireClockSkew", lambda: None)
    installation.pager.wait("MisfireDeadLetters", "resolved", 0.0)


def test_a_gateway_that_is_gone_and_one_without_a_bundle(installation: Installation, tmp_path: Path) -> None:
    installation.breaks("MisfireGatewayGone", installation.gateway.stop)
    assert installation.doctor().keys() == {"gateway", "scrape", "alerts"}

    installation.breaks("MisfireBundleMissing", lambda: installation.gateway.start(tmp_path / "nothing"))
    assert "no bundle decides" in installation.doctor()["agreement"]
    installation.pager.wait("MisfireGatewayGone", "resolved", 0.0)

    installation.is_repaired("MisfireBundleMissing", lambda: installation.gateway.start(installation.bundle))
    until(lambda: not installation.doctor())


@pytest.mark.kafka
def test_an_audit_log_that_is_gone(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """The topic of the decisions was deleted: what is decided waits, somebody is paged, and all of it is there afterwards."""
    _, bundle = bundle_on_disk(tmp_path)
    prepare(apache_kafka)
    events = a_town(households=2, sessions=2)
    (tmp_path / "monitoring").mkdir()
    with ExitStack() as stack:
        worker = stack.enter_context(Worker(apache_kafka, bundle, tmp_path / "worker.log")).wait_ready()
        pager = stack.enter_context(Pager())
        monitoring = Monitoring(tmp_path / "monitoring", [_address(worker.url)], [], pager)
        stack.enter_context(monitoring).wait_scraped()
        client = admin(apache_kafka.bootstrap)
        stack.callback(client.close)
        began = time.monotonic()

        client.delete_topics([DECISIONS])
        until(lambda: DECISIONS not in client.list_topics())  # until then Kafka still takes what is decided
        publish(apache_kafka, events)
        pager.wait("MisfireAuditNotWritable", "firing", began)
        create_topics(client, PARTITIONS)

        pager.wait("MisfireAuditNotWritable", "resolved", began)
        log = stack.enter_context(logs(apache_kafka))
        assert len({record.value for record in log.decided(len(events))}) == len(events)
