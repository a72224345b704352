"""A rule that is added over HTTP changes the next decision of a running worker, until it goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from detector.contracts.decisions import Decision, Verdict
from streams.files.bundles import write_bundle
from streams.kafka import topics
from streams.kafka.connection import Brokers
from streams.privacy.holdings import collected
from streams.privacy.operator_api import build_operator
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import Scope, new_token
from streams.wire.records import DECISION
from tests.detector.builders import SURE, event, hand_bundle
from tests.integration.kafka import Broker
from tests.integration.worker import Logs, Worker, logs, prepare, publish, until

pytestmark = pytest.mark.timeout(240)

BODY = {"act": "block", "intent": "lights.*", "household_id": "h1", "why": "a test"}


def deciding(broker: Broker, log: Logs) -> Callable[..., Decision]:
    """Return a function that sends a command of a household and returns the decision on it."""
    sent = 0

    def decide(household_id: str = "h1") -> Decision:
        nonlocal sent
        # Rules concern the events after them, and the embedded broker keeps a producer's time.
        heard = event(
            sent,
            time=datetime.now(UTC),
            intent="lights.TurnOn",
            commits=True,
            household_id=household_id,
            wake_confidence=SURE,
        )
        sent += 1
        publish(broker, [heard])
        found = [DECISION.decode(each.value) for each in log.decided(sent)]
        return next(each for each in found if each.event_id == heard.event_id)

    return decide


def test_a_rule_changes_the_next_decisions_until_it_is_removed(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker starts without the topic, as in an upgrade."""
    write_bundle(hand_bundle(), tmp_path / "bundle")
    with monkeypatch.context() as earlier:
        earlier.setattr(topics, "TOPICS", [each for each in topics.TOPICS if each.required])
        prepare(broker)
    token, own = new_token("platform", frozenset([Scope.OPERATE]), 1000)
    api = TestClient(build_operator(Brokers(broker.bootstrap), Guard(None, own)))
    api.headers["authorization"] = f"Bearer {token}"
    with logs(broker) as log, Worker(broker, tmp_path / "bundle", tmp_path / "log") as worker:
        worker.wait_ready()
        decide = deciding(broker, log)
        assert decide().verdict is Verdict.ALLOW
        holdings = collected(Brokers(broker.bootstrap), "h1")
        assert [each.source for each in holdings if each.missing] == [
            each.name for each in topics.TOPICS if not each.required
        ]
        prepare(broker)

        tried = api.post("/v1/rules/dry-run", json=BODY).json()
        assert (tried["changed"], tried["before"], tried["after"]) == (
            1,
            {"allow": 1},
            {"block": 1},
        )
        rule = api.post("/v1/rules", json=BODY).json()["rule"]
        until(lambda: worker.metric("misfire_rules", act="block") == 1)
        until(lambda: decide().verdict is Verdict.BLOCK)
        blocked = decide()
        assert (blocked.verdict, blocked.model_verdict, blocked.rule) == (
            Verdict.BLOCK,
            Verdict.ALLOW,
            rule["rule_id"],
        )
        assert decide("h2").verdict is Verdict.ALLOW

        worker.restart(tmp_path / "bundle")
        worker.wait_ready()
        assert decide().verdict is Verdict.BLOCK

        removed = api.delete(f"/v1/rules/{rule['rule_id']}", params={"why": "a test"})
        assert removed.status_code == 200
        until(lambda: worker.metric("misfire_rules", act="block") == 0)
        until(lambda: decide().verdict is Verdict.ALLOW)
        again = decide()
        assert (again.verdict, again.rule, again.rules) == (Verdict.ALLOW, None, None)
