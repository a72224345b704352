from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal, Result
from detector.contracts.decisions import ConfirmMethod
from detector.contracts.refusals import refused
from streams.errors import RecordError
from streams.gateway.confirmations import STATUS, confirmations
from streams.gateway.exchange.replies import Reply
from streams.kafka.topics import OUTCOMES
from streams.serving.access.guard import Guard
from streams.serving.error_responses import problem
from streams.settings import Settings
from streams.wire.records import ANSWER, REFUSAL, RESULT
from streams.wire.records import Refusal as Refused
from tests.detector.builders import DOUBTFUL, given_to, hand_bundle, heard, run, send_message

GIVEN = given_to(run(heard(send_message(), DOUBTFUL), hand_bundle())[0][-1])
BODY: dict[str, Any] = json.loads(ANSWER.encode(GIVEN))
PATH = f"/v1/confirmations/{GIVEN.confirmation_id}"


class Exchange:
    """An exchange with a worker that replies as a test wants; ``None`` means no reply."""

    def __init__(self, worker: Callable[[ConfirmationAnswer], Reply | None]) -> None:
        self.worker = worker
        self.asked: list[tuple[str, str, dict[str, bytes]]] = []
        self.given_up: list[str] = []

    def request(self, topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> Any:
        self.asked.append((topic, key, dict(headers)))
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        found = self.worker(ANSWER.decode(value))
        if found is not None:
            reply.set_result(found)
        return SimpleNamespace(correlation="c1", reply=reply)

    def abandon(self, correlation: str) -> None:
        self.given_up.append(correlation)


Make = Callable[[Callable[[ConfirmationAnswer], Reply | None]], tuple[TestClient, Exchange]]


@pytest.fixture
def made() -> Iterator[Make]:
    """Return a factory of a route with a fake worker behind it."""
    clients: list[TestClient] = []

    def make(worker: Callable[[ConfirmationAnswer], Reply | None]) -> tuple[TestClient, Exchange]:
        exchange, app = Exchange(worker), FastAPI(dependencies=[Depends(Guard(None))])
        app.include_router(confirmations(Settings(deadline_ms=50), exchange))  # type: ignore[arg-type]

        @app.exception_handler(RecordError)
        async def refuse(_: Any, error: RecordError) -> JSONResponse:
            return JSONResponse(problem(error), problem(error)["status"])

        clients.append(TestClient(app))
        return clients[-1], exchange

    yield make
    for client in clients:
        client.close()


def became(result: ConfirmationResult) -> Callable[[ConfirmationAnswer], Reply]:
    return lambda _: Reply(RESULT.type, RESULT.encode(result))


def confirmed(**fields: Any) -> ConfirmationResult:
    return ConfirmationResult(
        **{
            "confirmation_id": GIVEN.confirmation_id,
            "answer_id": GIVEN.answer_id,
            "household_id": "h1",
            "result": Result.CONFIRMED,
            "event_id": "e2",
        }
        | fields
    )


def test_an_answer_is_sent_to_the_worker_and_the_result_returned(made: Make) -> None:
    client, exchange = made(became(confirmed()))

    answer = client.post(PATH, json=BODY)

    assert (answer.status_code, RESULT.decode(answer.content)) == (200, confirmed())
    ((topic, key, headers),) = exchange.asked
    assert (topic, key, headers["ce_type"], headers["ce_id"]) == (
        OUTCOMES,
        "h1",
        ANSWER.type.encode(),
        b"a1",
    )


@pytest.mark.parametrize("reason", Refusal)
def test_each_refusal_is_a_problem_with_its_own_type(made: Make, reason: Refusal) -> None:
    client, _ = made(became(refused(GIVEN, reason)))

    answer = client.post(PATH, json=BODY)

    assert answer.status_code == STATUS[reason] >= 400
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert (found["type"], found["status"]) == (f"urn:misfire:{reason}", STATUS[reason])
    assert found["detail"]
    assert RESULT.decode(json.dumps(found["confirmation"]).encode()) == refused(GIVEN, reason)


def test_without_a_worker_nothing_is_confirmed(made: Make) -> None:
    client, exchange = made(lambda _: None)

    answer = client.post(PATH, json=BODY)

    assert (answer.status_code, answer.json()["type"]) == (504, "urn:misfire:unchecked")
    assert exchange.given_up == ["c1"]


def test_a_result_for_another_answer_confirms_nothing(made: Make) -> None:
    client, _ = made(became(confirmed(answer_id="another")))
    assert client.post(PATH, json=BODY).status_code == 504


def test_a_refusal_of_the_worker_is_returned(made: Make) -> None:
    refusal = REFUSAL.encode(Refused(code="schema", detail="time: missing"))
    client, _ = made(lambda _: Reply(REFUSAL.type, refusal))
    answer = client.post(PATH, json=BODY)
    assert (answer.status_code, answer.json()["detail"]) == (422, "time: missing")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"confirmation_id": "another"}, "id_mismatch"),
        ({"words": ["my", "secret"]}, "schema"),
        ({"slots": {"contact": "my doctor"}}, "not_tokens"),
        ({"method": "telepathy"}, "schema"),
        ({"accepted": "yes"}, "schema"),
    ],
)
def test_an_invalid_answer_is_not_sent(made: Make, fields: dict[str, Any], code: str) -> None:
    client, exchange = made(became(confirmed()))
    answer = client.post(PATH, json=BODY | fields)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:misfire:{code}")
    assert "doctor" not in answer.text
    assert "secret" not in answer.text
    assert not exchange.asked


def test_every_method_can_be_sent(made: Make) -> None:
    client, _ = made(became(confirmed()))
    for method in ConfirmMethod:
        assert client.post(PATH, json=BODY | {"method": method.value}).status_code == 200
