"""Labels over the operator API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from detector.contracts.labels import Label, LabelEffect, LabelKind
from streams.errors import DependencyUnavailable, RecordError
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place
from streams.lifecycle import labels_api
from streams.lifecycle.labels import Labelled
from streams.privacy.operator_api import build_operator
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import Scope
from tests.detector.builders import START, hand_bundle, run, send_message
from tests.streams.lifecycle.tenants import OURS, write_tokens

BODY = {"household_id": OURS, "event_id": "e2", "label": "misfire", "why": "the radio was on"}
DECISION = run(send_message(), hand_bundle())[0][-1]


class Desk:
    """The operator API, with tokens of two tenants; ``calls`` are the labels."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        self.effect: LabelEffect | None = LabelEffect.UNLEARNED
        self.error: Exception | None = None
        monkeypatch.setattr(labels_api, "label_event", self._label)
        monkeypatch.setattr(labels_api, "labels_of", lambda *_: [self._made(**BODY, by="t")])
        self.tokens = write_tokens(folder / "access.json")
        self.client = TestClient(
            build_operator(Brokers("nobody.invalid:9092"), Guard(folder / "access.json"))
        )

    def post(self, body: Any, tenant: str = "acme", scope: Scope = Scope.OPERATE) -> Any:
        return self.client.post("/v1/labels", json=body, headers=self.bearer(tenant, scope))

    def bearer(self, tenant: str = "acme", scope: Scope = Scope.OPERATE) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[tenant, scope]}"}

    def _label(self, _: Brokers, event_id: str, label: LabelKind, **given: Any) -> Labelled:
        if self.error is not None:
            raise self.error
        self.calls.append({"event_id": event_id, "label": label, **given})
        made = self._made(
            household_id=given["household_id"],
            event_id=event_id,
            label=label,
            why=given["why"],
            by=given["by"],
        )
        return Labelled(made, DECISION, Place("assistant.intents", 0, 7))

    def _made(self, **fields: Any) -> Label:
        kind = LabelKind(fields.pop("label"))
        return Label(label_id="l1", label=kind, time=START, effect=self.effect, **fields)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_a_label_is_recorded_under_the_tokens_id(desk: Desk) -> None:
    answer = desk.post(BODY | {"label_id": "mine"})

    token = desk.tokens["acme", Scope.OPERATE].partition(".")[0]
    assert answer.status_code == 200
    assert answer.json()["applied"]
    assert answer.json()["label"]["effect"] == "unlearned"
    [call] = desk.calls
    assert (call["by"], call["label_id"], call["label"]) == (token, "mine", LabelKind.MISFIRE)


def test_a_label_is_withdrawn_by_the_name_of_the_command_line_too(desk: Desk) -> None:
    for name in ("withdraw", "withdrawn"):
        desk.post(BODY | {"label": name})

    assert [call["label"] for call in desk.calls] == [LabelKind.WITHDRAWN] * 2


def test_a_label_that_no_worker_has_applied_is_accepted(desk: Desk) -> None:
    desk.effect = None

    answer = desk.post(BODY)

    assert (answer.status_code, answer.json()["applied"]) == (202, False)


def test_the_labels_of_a_household_are_listed(desk: Desk) -> None:
    answer = desk.client.get(
        "/v1/labels", params={"household_id": OURS}, headers=desk.bearer()
    ).json()

    assert [(each["event_id"], each["label"]) for each in answer["labels"]] == [("e2", "misfire")]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_tenant_cannot_label_or_list_anothers_household(desk: Desk, method: str) -> None:
    for tenant, scope, code in (
        ("beta", Scope.OPERATE, "other_tenant"),
        ("acme", Scope.DECIDE, "missing_scope"),
    ):
        answer = desk.client.request(
            method,
            "/v1/labels",
            params={"household_id": OURS},
            json=BODY,
            headers=desk.bearer(tenant, scope),
        )
        assert (answer.status_code, answer.json()["type"]) == (403, f"urn:misfire:{code}")
    assert desk.client.request(method, "/v1/labels", json=BODY).status_code == 401
    assert not desk.calls


@pytest.mark.parametrize(
    "body",
    [
        BODY | {"label": "perhaps"},
        BODY | {"why": ""},
        BODY | {"why": "a" * 201},
        BODY | {"by": "somebody else"},
        BODY | {"event_id": "a b"},
        {},
    ],
)
def test_an_invalid_label_is_refused_without_repeating_it(desk: Desk, body: Any) -> None:
    answer = desk.post(body)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:misfire:schema")
    assert "perhaps" not in answer.text
    assert not desk.calls


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RecordError("unknown_event", "no decision"), 404),
        (DependencyUnavailable("no broker"), 503),
    ],
)
def test_a_refusal_has_a_problem(desk: Desk, error: Exception, status: int) -> None:
    desk.error = error

    assert desk.post(BODY).status_code == status
