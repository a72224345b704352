from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from detector.evaluation.gates import Gate
from streams.errors import DependencyUnavailable, UsageError
from streams.kafka.connection import Brokers
from streams.lifecycle import bundles_api as api
from streams.lifecycle.channel_changes import Reason
from streams.lifecycle.promotion import Gated
from streams.privacy.operator_api import build_operator
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import AccessFile, Scope, new_token, with_token, write_access
from tests.streams.lifecycle.announcements import announcement, channel

PROMOTION = {"directory": "/bundles/b", "why": "new skills", "canary": 0.05}
DONE = announcement(2, "b", canary=0.05)


class Desk:
    """The operator API with functions that announce nothing; ``asked`` are their arguments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, guard: Guard | None = None) -> None:
        self.asked: list[Any] = []
        self.result: Any = Gated((Gate("data", True, "enough"),), DONE)
        monkeypatch.setattr(api, "promote", self._called)
        monkeypatch.setattr(api, "roll_back", self._called)
        monkeypatch.setattr(api, "channels", lambda _: [channel(DONE)])
        sent, own = new_token("operator", frozenset({Scope.OPERATE}), 1_000)
        self.name = sent.partition(".")[0]
        app: FastAPI = build_operator(Brokers("nobody.invalid:9092"), guard or Guard(None, own))
        headers = {} if guard else {"authorization": f"Bearer {sent}"}
        self.client = TestClient(app, headers=headers)

    def _called(self, *given: Any, **options: Any) -> Any:
        self.asked.append((*given[1:], options))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def test_channels_are_listed(desk: Desk) -> None:
    (found,) = desk.client.get("/v1/bundles").json()["channels"]

    assert found["channel"] == "active"
    assert found["announcements"][0]["bundle"]["version"] == "b"
    assert found["announcements"][0]["who"] == "ann"


def test_a_promotion_is_made_in_the_name_of_the_token(desk: Desk) -> None:
    answer = desk.client.post("/v1/bundles/promotion", json=PROMOTION)

    assert answer.status_code == 200
    assert answer.json()["announcement"]["number"] == 2
    options = {"channel": "active", "canary": 0.05, "force": False, "location": None}
    assert desk.asked == [(Path("/bundles/b"), Reason(desk.name, "new skills"), options)]


def test_a_refused_promotion_is_a_conflict_with_its_gates(desk: Desk) -> None:
    desk.result = Gated((Gate("cost", False, "it costs more"),), None)

    answer = desk.client.post("/v1/bundles/promotion", json=PROMOTION)

    assert answer.status_code == 409
    assert answer.json()["gates"] == [{"name": "cost", "passed": False, "text": "it costs more"}]


def test_a_rollback_needs_a_reason(desk: Desk) -> None:
    desk.result = DONE
    lacking = desk.client.post("/v1/bundles/rollback", json={})
    assert (lacking.status_code, lacking.json()["type"]) == (422, "urn:misfire:schema")

    answer = desk.client.post("/v1/bundles/rollback", json={"why": "too many questions"})

    assert answer.status_code == 200
    assert desk.asked == [(Reason(desk.name, "too many questions"), {"channel": "active"})]


@pytest.mark.parametrize(
    ("error", "status"),
    [(UsageError("nothing to roll back"), 422), (DependencyUnavailable("no broker"), 503)],
)
def test_errors_are_explained(desk: Desk, error: Exception, status: int) -> None:
    desk.result = error

    answer = desk.client.post("/v1/bundles/rollback", json={"why": "x"})

    assert answer.status_code == status
    assert str(error) in answer.json()["detail"]


def test_one_change_is_made_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        inside.set()
        leave.wait(30)
        return DONE

    monkeypatch.setattr(api, "roll_back", slow)
    first = threading.Thread(
        target=lambda: desk.client.post("/v1/bundles/rollback", json={"why": "x"})
    )
    first.start()
    inside.wait(30)
    second = desk.client.post("/v1/bundles/rollback", json={"why": "y"})
    leave.set()
    first.join()

    assert (second.status_code, second.json()["type"]) == (503, "urn:misfire:busy")


def test_a_tenant_may_look_but_not_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, kept = new_token("acme", frozenset({Scope.OPERATE}), 1_000)
    write_access(tmp_path / "access.json", with_token(AccessFile(), kept, "hacme"))
    desk = Desk(monkeypatch, Guard(tmp_path / "access.json"))
    headers = {"authorization": f"Bearer {sent}"}

    assert desk.client.get("/v1/bundles", headers=headers).status_code == 200
    for path, body in (("promotion", PROMOTION), ("rollback", {"why": "x"})):
        answer = desk.client.post(f"/v1/bundles/{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:misfire:other_tenant")
        assert desk.client.post(f"/v1/bundles/{path}", json=body).status_code == 401
    assert desk.asked == []
