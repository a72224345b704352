from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from detector.contracts.decisions import Rung
from detector.contracts.events import OutcomeKind, OutcomeSource
from detector.contracts.outcome_table import SENTENCES, OutcomeRefused
from streams.files.policy import read_policy
from streams.gateway.exchange.exchange import Exchange
from streams.gateway.exchange.replies import Reply
from streams.gateway.ladder import Ladder
from streams.gateway.requests import MAX_BATCH
from streams.gateway.routes import build_gateway
from streams.local.processes import free_port
from streams.settings import Settings
from streams.wire.records import DECISION, INTENT, MAX_BYTES, OUTCOME, REFUSAL, Refusal
from tests.detector.builders import event, hand_bundle, outcome

BODY: dict[str, Any] = json.loads(INTENT.encode(event(1)))
JSON = {"content-type": "application/json"}


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Return a client of a gateway with a bundle and without a broker."""
    settings = Settings(broker=f"127.0.0.1:{free_port()}", deadline_ms=50)
    bundle = hand_bundle()
    with TestClient(build_gateway(settings, Ladder(bundle.policy, bundle))) as found:
        yield found


def test_without_a_broker_the_gateway_answers_and_names_the_missing_part(
    client: TestClient,
) -> None:
    answer = client.post("/v1/decide", content=INTENT.encode(event(1)), headers=JSON)

    assert answer.status_code == 200
    assert answer.headers["x-misfire-rung"] == DECISION.decode(answer.content).rung == "gateway"
    assert client.get("/healthz").status_code == 200
    assert (client.get("/readyz").status_code, client.get("/readyz").json()["missing"]) == (
        503,
        ["kafka"],
    )


def test_without_a_bundle_the_gateway_answers_and_names_the_missing_part() -> None:
    settings = Settings(broker=f"127.0.0.1:{free_port()}", deadline_ms=50)
    with TestClient(build_gateway(settings, Ladder(read_policy(), None))) as client:
        answer = client.post("/v1/decide", content=INTENT.encode(event(1)), headers=JSON)

        assert answer.headers["x-misfire-rung"] == "policy"
        assert client.get("/readyz").json()["missing"] == ["kafka", "bundle"]


@pytest.mark.parametrize(
    ("content", "status", "code", "said"),
    [
        (b"{", 400, "not_json", "not JSON"),
        (b"", 400, "not_json", "not JSON"),
        (b"[]", 422, "schema", ""),
        (json.dumps(BODY | {"act": "shout"}).encode(), 422, "schema", "act"),
        (
            json.dumps(BODY | {"slots": {"household_id": "h2_00"}}).encode(),
            422,
            "schema",
            "a slot is named household_id, like a field of the record itself; rename the slot",
        ),
        (
            json.dumps({key: BODY[key] for key in BODY if key != "intent"}).encode(),
            422,
            "schema",
            "intent",
        ),
        (json.dumps(BODY | {"commits": "yes"}).encode(), 422, "schema", "commits"),
        (json.dumps(BODY | {"asr_confidence": 7.0}).encode(), 422, "schema", ""),
        (json.dumps(BODY | {"time": "2026-01-05T18:00:00"}).encode(), 422, "schema", ""),
        (
            json.dumps(BODY | {"slots": {"a": "x" * MAX_BYTES}}).encode(),
            413,
            "too_large",
            str(MAX_BYTES),
        ),
        (b"x" * 2**21, 413, "too_large", str(MAX_BYTES)),
    ],
)
def test_an_invalid_event_is_refused_with_a_reason(
    client: TestClient, content: bytes, status: int, code: str, said: str
) -> None:
    answer = client.post("/v1/decide", content=content, headers=JSON)

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:misfire:{code}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_a_refusal_does_not_repeat_values(client: TestClient) -> None:
    spoken = "call my doctor about the results"
    for field in ("intent", "event_id", "act", "time", "slots", "asr_confidence", "commits"):
        answer = client.post("/v1/decide", json=BODY | {field: spoken})

        assert answer.status_code == 422
        assert "doctor" not in answer.text


@pytest.mark.parametrize("days", [-365, 1826])
def test_an_event_with_a_wrong_clock_is_decided_and_marked(client: TestClient, days: int) -> None:
    wrong = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    decision = DECISION.decode(client.post("/v1/decide", json=BODY | {"time": wrong}).content)

    assert (decision.rung, decision.clock_replaced) == (Rung.GATEWAY, True)


def test_another_event_with_a_used_id_is_a_conflict(client: TestClient) -> None:
    first, again = (client.post("/v1/decide", json=BODY) for _ in range(2))
    other = client.post("/v1/decide", json=BODY | {"intent": "lights.TurnOff"})

    assert first.content == again.content
    assert (other.status_code, other.json()["type"]) == (409, "urn:misfire:id_reused")


def test_a_batch_is_answered_in_order_despite_invalid_events(client: TestClient) -> None:
    entries = [BODY | {"event_id": "b1"}, BODY | {"act": "shout"}, 7, BODY | {"event_id": "b2"}]

    answer = client.post("/v1/decide/batch", json=entries)

    one, broken, nothing, two = answer.json()
    assert answer.status_code == 200
    assert [one["event_id"], two["event_id"]] == ["b1", "b2"]
    assert [broken["status"], nothing["status"]] == [422, 422]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{}", 422),
        (b"[", 400),
        (json.dumps([BODY] * (MAX_BATCH + 1)).encode(), 413),
        (b"[" + b" " * 2**21 + b"]", 413),
    ],
)
def test_an_invalid_batch_is_refused(client: TestClient, content: bytes, status: int) -> None:
    assert client.post("/v1/decide/batch", content=content, headers=JSON).status_code == status


def test_a_callback_that_is_not_allowed_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/v1/decide", json=BODY, headers={"x-misfire-late-url": "http://10.0.0.1/late"}
    )

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:misfire:bad_callback")


@pytest.mark.parametrize("named", ["0", "-5", "10001", "soon", "1.5", "²"])
def test_an_invalid_deadline_is_refused(client: TestClient, named: str) -> None:
    headers = {"content-type": "application/json", "x-misfire-deadline-ms": named.encode("utf-8")}

    answer = client.post("/v1/decide", content=INTENT.encode(event(1)), headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:misfire:bad_deadline")


def test_another_media_type_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/v1/decide", content=INTENT.encode(event(1)), headers={"content-type": "text/plain"}
    )

    assert answer.status_code == 415


def test_an_outcome_without_a_reply_is_accepted(client: TestClient) -> None:
    answer = client.post(
        "/v1/outcomes", content=OUTCOME.encode(outcome("e1", OutcomeKind.DENIED)), headers=JSON
    )

    assert (answer.status_code, answer.json()) == (202, {"applied": False})


@pytest.mark.parametrize("reason", OutcomeRefused)
def test_a_refused_outcome_is_a_problem_with_its_reason(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, reason: OutcomeRefused
) -> None:
    def request(*_: object) -> SimpleNamespace:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        refusal = Refusal(code=reason.value, detail=SENTENCES[reason])
        reply.set_result(Reply(REFUSAL.type, REFUSAL.encode(refusal)))
        return SimpleNamespace(correlation="c1", reply=reply)

    monkeypatch.setattr(Exchange, "request", request)
    answer = client.post(
        "/v1/outcomes", content=OUTCOME.encode(outcome("e1", OutcomeKind.CONFIRMED)), headers=JSON
    )

    assert (answer.status_code, answer.json()["type"]) == (409, f"urn:misfire:{reason}")
    assert answer.json()["detail"] == SENTENCES[reason]


@pytest.mark.parametrize("source", [OutcomeSource.GATEWAY, OutcomeSource.OPERATOR])
def test_without_tokens_every_caller_reports_as_a_runtime(
    client: TestClient, source: OutcomeSource
) -> None:
    sent = outcome("e1", OutcomeKind.DENIED, source=source)
    answer = client.post("/v1/outcomes", content=OUTCOME.encode(sent), headers=JSON)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:misfire:other_source")


def test_openapi_describes_requests_and_responses(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    body = paths["/v1/decide"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert body["properties"].keys() == BODY.keys()
    assert "$ref" not in json.dumps(paths["/v1/decide"]["post"]["requestBody"])
    assert client.get("/docs").status_code == 200


def test_metrics_contain_no_ids(client: TestClient) -> None:
    client.post(
        "/v1/decide",
        json=BODY | {"household_id": "household-of-somebody", "event_id": "one-of-a-kind"},
    )

    text = client.get("/metrics").text

    assert "misfire_hook_answers_total{" in text
    assert "household-of-somebody" not in text
    assert "one-of-a-kind" not in text


STRUCTURED = {"content-type": "application/cloudevents+json"}


def cloudevent(**fields: Any) -> dict[str, Any]:
    attributes = {"specversion": "1.0", "id": "e1", "source": "test", "type": INTENT.type}
    return attributes | {"data": BODY} | fields


def test_a_structured_cloudevent_is_answered_with_one(client: TestClient) -> None:
    answer = client.post("/v1/decide", json=cloudevent(), headers=STRUCTURED)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == STRUCTURED["content-type"]
    inside = answer.json()
    assert (inside["type"], inside["specversion"]) == (DECISION.type, "1.0")
    decision = DECISION.decode(json.dumps(inside["data"]).encode())
    assert (decision.event_id, inside["id"]) == (BODY["event_id"], decision.decision_id)


def test_a_binary_cloudevent_is_answered_with_one(client: TestClient) -> None:
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": "e1",
        "ce-source": "test",
        "ce-type": INTENT.type,
    }

    answer = client.post("/v1/decide", json=BODY, headers=attributes)

    decision = DECISION.decode(answer.content)
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["ce-type"], answer.headers["ce-id"]) == (
        DECISION.type,
        decision.decision_id,
    )


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (cloudevent(type=OUTCOME.type), STRUCTURED, "unknown_type"),
        (cloudevent(data=None), STRUCTURED, "schema"),
        (cloudevent(data=BODY | {"act": "shout"}), STRUCTURED, "schema"),
        (BODY, {"ce-type": OUTCOME.type}, "unknown_type"),
        (BODY, {"ce-type": INTENT.type, "ce-specversion": "0.3"}, "schema"),
        (BODY, {"ce-type": INTENT.type, "ce-time": "1767600000"}, "schema"),
        (cloudevent(time="20260105"), STRUCTURED, "schema"),
    ],
)
def test_an_invalid_cloudevent_is_refused(
    client: TestClient, body: dict[str, Any], headers: dict[str, str], code: str
) -> None:
    answer = client.post("/v1/decide", json=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:misfire:{code}")


@pytest.mark.parametrize("body", [BODY, BODY | {"act": "shout"}, BODY | {"colour": "red"}, {}])
def test_the_hot_route_answers_like_the_framework(
    client: TestClient, body: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    hot = client.post("/v1/decide", json=body)
    monkeypatch.setattr(client._transport, "root_path", "/behind-a-proxy")
    framework = client.post("/v1/decide", json=body)

    assert (hot.status_code, hot.content) == (framework.status_code, framework.content)
    assert hot.headers.keys() == framework.headers.keys()


def test_the_hot_route_leaves_other_methods_and_the_schema_to_the_framework(
    client: TestClient,
) -> None:
    assert client.get("/v1/decide").status_code == 405
    assert "post" in client.get("/openapi.json").json()["paths"]["/v1/decide"]
