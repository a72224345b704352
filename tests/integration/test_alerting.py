"""Break a part and wait for its alert; repair it and wait for the alert to resolve.

Prometheus and Alertmanager are real. A minute of the rules is a second here. ``pytest -rP`` prints
the time from breaking to the page, and from repairing to its resolution. It includes detection,
scraping, rules and grouping.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from detector.contracts.events import IntentEvent
from streams.files.bundles import write_bundle
from streams.kafka.connection import Brokers
from streams.kafka.topics import DECISIONS, INTENTS, admin, create_topics
from streams.lifecycle.channel_changes import Reason
from streams.lifecycle.rollback import roll_back
from streams.wire.records import INTENT
from tests import loopback
from tests.detector.builders import event as an_event
from tests.detector.builders import hand_bundle, hand_report
from tests.detector.decision.test_carrying import OTHER
from tests.integration.installation import Installation
from tests.integration.kafka import ApacheKafka, Broker
from tests.integration.prometheus import Monitoring, Pager, address
from tests.integration.stream import a_town, bundle_on_disk, lately
from tests.integration.test_channels import interrupted
from tests.integration.test_gateway import decide_all, status
from tests.integration.test_growth import created_again
from tests.integration.worker import PARTITIONS, Worker, logs, prepare, producing, publish, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_without_faults_only_the_test_page_is_sent(
    installation: Installation,
) -> None:
    decide_all(installation.gateway.url, lately(a_town(households=1, sessions=1, name="well-")))
    until(lambda: installation.monitoring.query("sum(misfire_hook_answers_total) > 0"))
    began = time.monotonic()

    assert not installation.doctor(page=True)
    assert installation.fired_since(began) == {"MisfireTestPage"}


def test_a_missing_worker_is_alerted(installation: Installation) -> None:
    began = time.monotonic()
    installation.breaks("MisfireNoWorkerReady", installation.worker.kill)
    assert installation.doctor().keys() == {"worker", "scrape", "alerts"}

    installation.is_repaired("MisfireNoWorkerReady", installation.worker.__enter__)
    until(lambda: not installation.doctor())
    # A start that takes two seconds counts as a recovery of two minutes here, and is alerted too.
    assert installation.fired_since(began) - {"MisfireRecoverySlow"} == {"MisfireNoWorkerReady"}


def test_a_missing_broker_inhibits_the_alerts_that_it_explains(installation: Installation) -> None:
    process = installation.broker.process
    assert process is not None
    began = time.monotonic()
    installation.breaks("MisfireBrokerGone", lambda: os.killpg(process.pid, signal.SIGSTOP))

    # Alertmanager inhibits alerts that fired before; new ones do not fire.
    labels = {
        "alertname": "MisfireWorkerMissing",
        "severity": "ticket",
        "environment": "production",
    }
    _tell(installation, labels, ends=timedelta(hours=1))
    until(lambda: _silenced(installation, "MisfireWorkerMissing"))
    _tell(installation, labels, ends=timedelta(0))
    installation.is_repaired("MisfireBrokerGone", lambda: os.killpg(process.pid, signal.SIGCONT))
    assert installation.fired_since(began) == {"MisfireBrokerGone"}
    until(lambda: not installation.monitoring.query('ALERTS{alertstate="firing"}'))


@contextmanager
def stopped(broker: Broker) -> Iterator[None]:
    """Suspend the broker for a ``with`` block."""
    process = broker.process
    assert process is not None
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGCONT)


def _tell(installation: Installation, labels: dict[str, str], *, ends: timedelta) -> None:
    """Send an alert to Alertmanager, like Prometheus."""
    alert = {"labels": labels, "endsAt": (datetime.now(UTC) + ends).isoformat()}
    loopback.post(
        f"{installation.monitoring.alertmanager_url}/api/v2/alerts", json=[alert]
    ).raise_for_status()


def _silenced(installation: Installation, alert: str) -> bool:
    """Return whether Alertmanager inhibits an alert because another one explains it."""
    known = loopback.get(f"{installation.monitoring.alertmanager_url}/api/v2/alerts").json()
    return any(
        found["labels"]["alertname"] == alert and found["status"]["inhibitedBy"] for found in known
    )


def test_an_unreadable_record_and_a_fast_clock_are_alerted(installation: Installation) -> None:
    event = replace(a_town(1, 1, "ahead-")[0], time=datetime.now(UTC) + timedelta(hours=1))

    def send(key: str, value: bytes) -> None:
        with producing(installation.broker) as producer:
            producer.send(INTENTS, value, key=key.encode())

    installation.breaks("MisfireDeadLetters", lambda: send("h1", b"{"))
    installation.breaks("MisfireClockSkew", lambda: send(event.household_id, INTENT.encode(event)))
    installation.is_repaired("MisfireClockSkew", lambda: None)
    installation.pager.wait("MisfireDeadLetters", "resolved", 0.0)


def test_a_recreated_topic_is_alerted(installation: Installation) -> None:
    def said(number: int) -> list[IntentEvent]:
        return [
            an_event(
                number, household_id="again", event_id=f"again-{number}", time=datetime.now(UTC)
            )
        ]

    def create_again() -> None:
        created_again(installation.broker)
        until(lambda: installation.worker.process.poll() is not None)
        installation.worker.restart(installation.bundle)
        publish(installation.broker, said(2))

    decided = installation.worker.metric("misfire_events_total")
    publish(installation.broker, said(1))
    until(lambda: installation.worker.metric("misfire_events_total") > decided)
    installation.breaks("MisfireTopicCreatedAgain", create_again)
    installation.is_repaired("MisfireTopicCreatedAgain", installation.worker.wait_ready)


def test_a_missing_gateway_and_one_without_a_bundle_are_alerted(
    installation: Installation, tmp_path: Path
) -> None:
    installation.breaks("MisfireGatewayGone", installation.gateway.stop)
    assert installation.doctor().keys() == {"gateway", "scrape", "alerts"}

    installation.breaks(
        "MisfireBundleMissing", lambda: installation.gateway.start(tmp_path / "nothing")
    )
    assert "no bundle is loaded" in installation.doctor()["agreement"]
    installation.pager.wait("MisfireGatewayGone", "resolved", 0.0)

    installation.is_repaired(
        "MisfireBundleMissing", lambda: installation.gateway.start(installation.bundle)
    )
    until(lambda: not installation.doctor())


def test_old_differing_and_unready_bundles_and_an_unready_worker_are_alerted(
    installation: Installation, tmp_path: Path
) -> None:
    for name, bundle in (
        ("one", hand_bundle()),
        ("other", hand_bundle(report=hand_report(ours=5.0))),
    ):
        write_bundle(bundle, tmp_path / name)
        manifest = tmp_path / name / "manifest.json"
        old = {"created": (datetime.now(UTC) - timedelta(days=40)).isoformat()}
        manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | old), "utf-8")

    began = time.monotonic()
    installation.gateway.start(tmp_path / "other", MISFIRE_ALLOW_UNREADY="true")
    _recover_slowly(installation, tmp_path / "one", began)
    installation.hears("MisfireRecoverySlow", began)
    installation.worker.wait_ready()
    installation.is_over("MisfireRecoverySlow", began)
    for alert in ("MisfireBundlesDiffer", "MisfireBundleStale", "MisfireBundleUnready"):
        installation.hears(alert, began)
    repaired = time.monotonic()
    installation.gateway.start(installation.bundle)
    for alert in ("MisfireBundlesDiffer", "MisfireBundleStale", "MisfireBundleUnready"):
        installation.is_over(alert, repaired)


def _recover_slowly(installation: Installation, bundle: Path, began: float) -> None:
    """Restart the worker until the broker stops before it has assigned the worker's partitions.

    If the broker stops too late, or the gateway notices it first, its own alert explains the other.
    """

    def fires() -> bool:
        return "MisfireRecoverySlow" in installation.fired_since(began)

    for _ in range(5):
        installation.worker.restart(bundle)
        until(lambda: status(installation.worker.url, "/healthz") == 200)
        with stopped(installation.broker):
            give_up = time.monotonic() + 10.0
            while not fires() and time.monotonic() < give_up:
                time.sleep(0.1)
        if fires():
            return
        until(lambda: not installation.pager.is_firing("MisfireBrokerGone"))


def test_an_announced_bundle_that_does_not_decide_everywhere_is_alerted(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A promotion ends before its last step, and the bundle's directory is deleted."""
    reason, began = Reason("ann", "the test"), time.monotonic()
    write_bundle(OTHER, tmp_path / "candidate")
    interrupted(monkeypatch, installation.settings, tmp_path / "candidate")
    installation.hears("MisfireBundleUnfinished", began)
    shutil.rmtree(tmp_path / "candidate")
    installation.worker.restart(installation.bundle)
    installation.hears("MisfireBundleRefused", began)

    repaired = time.monotonic()
    roll_back(installation.settings, reason)
    installation.is_over("MisfireBundleRefused", repaired)
    # It was over while the worker restarted, and may not have fired again before the roll-back.
    installation.is_over("MisfireBundleUnfinished", began)
    until(lambda: not installation.pager.is_firing("MisfireBundleUnfinished"))


def test_a_missing_audit_log_is_alerted(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """With ``assistant.decisions`` deleted, decisions wait, a page is sent, and none is lost."""
    _, bundle = bundle_on_disk(tmp_path)
    prepare(apache_kafka)
    events = a_town(households=2, sessions=2)
    (tmp_path / "monitoring").mkdir()
    with ExitStack() as stack:
        worker = stack.enter_context(
            Worker(apache_kafka, bundle, tmp_path / "worker.log")
        ).wait_ready()
        pager = stack.enter_context(Pager())
        monitoring = Monitoring(tmp_path / "monitoring", [address(worker.url)], [], pager)
        stack.enter_context(monitoring).wait_scraped()
        client = admin(Brokers(apache_kafka.bootstrap))
        stack.callback(client.close)
        began = time.monotonic()

        client.delete_topics([DECISIONS])
        until(lambda: DECISIONS not in _on_disk(client))  # until then Kafka still accepts decisions
        publish(apache_kafka, events)
        pager.wait("MisfireAuditNotWritable", "firing", began)
        create_topics(client, PARTITIONS)

        pager.wait("MisfireAuditNotWritable", "resolved", began)
        log = stack.enter_context(logs(apache_kafka))
        assert len({record.value for record in log.decided(len(events))}) == len(events)


def _on_disk(client: KafkaAdminClient) -> set[str]:
    """Return the topics whose logs the broker still has.

    It reports the end of a topic before it stops accepting records.
    """
    folders = [folder for broker in client.describe_log_dirs() for folder in broker["log_dirs"]]
    return {topic["name"] for folder in folders for topic in folder["topics"]}
