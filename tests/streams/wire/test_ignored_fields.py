from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.events import IntentEvent, OutcomeKind
from streams.gateway.ladder import Ladder
from streams.gateway.routes import build_gateway
from streams.kafka.topics import INTENTS
from streams.local.processes import free_port
from streams.settings import Settings
from streams.telemetry import metrics
from streams.wire.ignored_fields import ignored_in, listed
from streams.wire.records import INTENT, OUTCOME
from streams.worker.handling import Incoming, read_intent
from tests.detector.builders import START, event, hand_bundle, outcome

EVENT = json.loads(INTENT.encode(event(1, slots={"contact": "k1_5f0c"})))
HEADER = "x-misfire-ignored-fields"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:  # noqa: ARG001
    bundle = hand_bundle()
    settings = Settings(broker=f"127.0.0.1:{free_port()}", deadline_ms=50)
    with TestClient(
        build_gateway(settings, Ladder(bundle.policy, bundle)), base_url="http://127.0.0.1:8750"
    ) as found:
        yield found


def named(client: TestClient, path: str, body: Any, media: str = "application/json") -> str | None:
    answer = client.post(path, content=json.dumps(body), headers={"content-type": media})
    found: str | None = answer.headers.get(HEADER)
    return found


def test_unknown_names_are_found_but_not_in_slots() -> None:
    sent = EVENT | {"intent_confidense": 0.5, "slots": {"anything": "k1_5f0c"}}
    assert ignored_in(json.dumps(sent).encode(), IntentEvent) == {"intent_confidense"}
    assert ignored_in(json.dumps(EVENT).encode(), IntentEvent) == set()
    answer = {"confirmation_id": "c", "colour": 1, "heard": sent}
    assert ignored_in(json.dumps(answer).encode(), ConfirmationAnswer) == {
        "colour",
        "heard.intent_confidense",
    }
    for data in (b"", b"[]", b"3", b"{", b"\xff", b'{"a": NaN}'):
        assert ignored_in(data, IntentEvent) == set()


def test_only_a_few_plain_names_are_repeated() -> None:
    assert listed({"b", "a"}) == "a,b"
    assert listed({f"n{number}" for number in range(20)}).endswith(",and 12 more")
    assert listed({"x\r\nSet-Cookie: a=b", "é", "", "y" * 41, "good"}) == "good,and 4 more"


def test_every_answer_names_ignored_fields(client: TestClient) -> None:
    misspelt = EVENT | {"intent_confidense": 0.5}
    reported = json.loads(OUTCOME.encode(outcome("e1", OutcomeKind.EXECUTED)))
    assert named(client, "/v1/decide", EVENT) is None
    assert named(client, "/v1/decide", misspelt) == "intent_confidense"
    assert (
        named(client, "/v1/decide/batch", [EVENT, misspelt | {"event_id": "e2", "colour": 1}])
        == "colour,intent_confidense"
    )
    assert named(client, "/v1/outcomes", reported | {"why": "x"}) == "why"
    assert named(client, "/v1/confirmations/c1", {"confirmation": "c1"}) == "confirmation"
    # A refusal names it as well: the sender may have meant the field that is missing.
    assert named(client, "/v1/decide", {"event": "e1"}) == "event"
    wrapped = {
        "specversion": "1.0",
        "id": "1",
        "source": "s",
        "type": INTENT.type,
        "data": misspelt,
    }
    assert (
        named(client, "/v1/decide", wrapped, "application/cloudevents+json") == "intent_confidense"
    )


def test_records_with_unknown_fields_are_counted() -> None:
    def count() -> float:
        return float(metrics.IGNORED_FIELDS.labels(INTENTS)._value.get())

    before = count()
    for more in ({}, {"colour": 1}):
        value = json.dumps(EVENT | more).encode()
        record = Incoming(
            INTENTS, 0, 7, START.timestamp() + 60, EVENT["household_id"].encode(), value, []
        )
        read_intent(record, token_ids=False)
    assert count() == before + 1
