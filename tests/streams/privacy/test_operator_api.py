from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyrage
import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place
from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS, RULES
from streams.privacy import commands, holdings
from streams.privacy import operator_api as api
from streams.privacy.archive import open_archive
from streams.serving.access.guard import REFUSALS, SCOPES, Guard
from streams.serving.access.token_file import AccessFile, Scope, new_token, with_token, write_access
from streams.wire.records import MAX_BYTES, Command
from tests.streams.privacy.log import home, state_with, town_log

KEY = pyrage.x25519.Identity.generate()
OURS = f"hacme_{'0' * 32}"
TO = {"recipients": [str(KEY.to_public())]}
#: Each operation, and what a right request sends.
ASKED: dict[tuple[str, str], Any] = {
    ("GET", "/v1/households/{household_id}"): None,
    ("POST", "/v1/households/{household_id}/export"): TO,
    ("POST", "/v1/households/{household_id}/erasure"): None,
    ("GET", "/v1/households/{household_id}/erasure"): None,
}


class Desk:
    """The operator API on a fake log; ``sent`` are the commands that it wrote to the log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, guard: Guard | None = None) -> None:
        self.log = town_log(3, 2)
        self.sent: list[tuple[str, Command]] = []
        self.missing: list[str] = []
        self.applied = True
        monkeypatch.setattr(holdings, "read_topic", lambda _, topic: self.log.read(topic))
        monkeypatch.setattr(holdings, "later_topics_missing", lambda _: set(self.missing))
        for module in (api, commands):
            monkeypatch.setattr(module, "send_command", self._send)
        monkeypatch.setattr(api, "wait_until_erased", lambda *_: self.applied)
        sent, own = new_token("operator", frozenset({Scope.OPERATE, Scope.EXPORT}), 1_000)
        headers = {} if guard else {"authorization": f"Bearer {sent}"}
        self.client = TestClient(
            api.build_operator(Brokers("nobody.invalid:9092"), guard or Guard(None, own)),
            headers=headers,
        )

    def _send(self, _: Brokers, household_id: str, command: Command) -> Place:
        self.sent.append((household_id, command))
        return Place(INTENTS, 0, 7)

    def ask(self, method: str, route: str, body: Any = None, **more: Any) -> Any:
        path = route.format(household_id=more.pop("household", home(1)))
        return self.client.request(method, path, json=body, **more)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def test_stored_records_are_counted_but_not_shown(desk: Desk) -> None:
    answer = desk.ask("GET", "/v1/households/{household_id}")

    counted = {source["source"]: source for source in answer.json()["sources"]}
    assert answer.status_code == 200
    assert (counted[INTENTS]["records"], counted[INTENTS]["read"]) == (2, 6)
    assert counted[HOUSEHOLDS]["superseded"] == 1
    assert "lines" not in counted[INTENTS]


def test_an_export_is_the_archive_encrypted_to_the_requester(desk: Desk) -> None:
    answer = desk.ask("POST", "/v1/households/{household_id}/export", TO)

    opened = open_archive(answer.content, str(KEY))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert opened.manifest["household_id"] == home(1)
    assert not opened.problems
    assert not desk.sent


def test_one_foreign_record_prevents_the_whole_export_and_its_position_is_named(desk: Desk) -> None:
    desk.log.add(HOUSEHOLDS, home(1), state_with(1, 2))

    answer = desk.ask("POST", "/v1/households/{household_id}/export", TO)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:misfire:foreign_record")
    assert HOUSEHOLDS in answer.json()["detail"]
    assert home(2) not in answer.text
    assert desk.sent == [(home(1), Command.EXPORT_REFUSED)]


def test_a_record_whose_key_and_content_disagree_is_reported_without_preventing_the_export(
    desk: Desk,
) -> None:
    theirs = next(each for each in desk.log.read(DECISIONS) if each.key == home(2).encode())
    number = desk.log.add(DECISIONS, home(1), theirs.value)

    assert desk.ask("POST", "/v1/households/{household_id}/export", TO).status_code == 200
    shown = desk.ask("GET", "/v1/households/{household_id}").json()["sources"]
    (source,) = (each for each in shown if each["source"] == DECISIONS)
    assert source["disputed"] == [str(desk.log.records[number].place)]
    assert not desk.sent


@pytest.mark.parametrize("applied", [True, False])
def test_an_erasure_goes_through_the_log(desk: Desk, *, applied: bool) -> None:
    desk.applied = applied

    answer = desk.ask("POST", "/v1/households/{household_id}/erasure", params={"wait": 0})

    assert answer.status_code == (200 if applied else 202)
    assert answer.json() == {
        "household_id": home(1),
        "applied": applied,
        "command": f"{INTENTS}, partition 0, offset 7",
    }
    assert desk.sent == [(home(1), Command.ERASE)]


def test_remaining_records_are_reported_with_their_expiry(desk: Desk) -> None:
    found = desk.ask("GET", "/v1/households/{household_id}/erasure").json()

    assert not found["state_erased"]
    assert {each["source"] for each in found["remains"]} >= {INTENTS, DECISIONS, HOUSEHOLDS}
    assert all(each["until"] > 0 for each in found["remains"])


@pytest.mark.parametrize(
    ("route", "body", "params", "code"),
    [
        ("/export", {"recipients": ["no key"]}, {}, "bad_recipient"),
        ("/export", {"recipients": []}, {}, "schema"),
        ("/export", {"recipients": TO["recipients"], "to": "me"}, {}, "schema"),
        ("/export", [], {}, "schema"),
        ("/erasure", None, {"wait": "long"}, "schema"),
        ("/erasure", None, {"wait": 1e9}, "schema"),
    ],
)
def test_an_unusable_request_is_answered_with_a_problem(
    desk: Desk, route: str, body: Any, params: dict[str, Any], code: str
) -> None:
    answer = desk.ask("POST", "/v1/households/{household_id}" + route, body, params=params)

    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:misfire:{code}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no key" not in answer.text


def test_invalid_ids_are_rejected(desk: Desk) -> None:
    for household in ("a%20b", "%00", "a" * 129, "%C3%A9"):
        assert (
            desk.ask("GET", "/v1/households/{household_id}", household=household).status_code == 422
        )


def test_the_operator_api_reports_a_missing_broker(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> Iterator[None]:
        raise DependencyUnavailable("topic assistant.intents could not be read")

    monkeypatch.setattr(holdings, "read_topic", missing)

    for (method, route), body in ASKED.items():
        if "erasure" not in route or method == "GET":
            answer = desk.ask(method, route, body)
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:misfire:unavailable")


def test_only_a_few_exports_run_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, go_on = threading.Semaphore(0), threading.Event()

    def slow(_: Brokers, topic: str) -> Iterator[Any]:
        reading.release()
        assert go_on.wait(20)
        return desk.log.read(topic)

    monkeypatch.setattr(holdings, "read_topic", slow)
    show = partial(desk.ask, "GET", "/v1/households/{household_id}")
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(show())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert reading.acquire(timeout=20)

    busy = show()
    go_on.set()
    for thread in threads:
        thread.join()

    assert (busy.status_code, busy.json()["type"]) == (503, "urn:misfire:busy")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert show().status_code == 200


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    access, sent = AccessFile(), {}
    for tenant, key, name in (
        ("acme", "hacme", "operate"),
        ("acme", "hacme", "export"),
        ("beta", "hbeta", "all"),
    ):
        scopes = frozenset(Scope) if name == "all" else frozenset([Scope(name)])
        sent[name], kept = new_token(tenant, scopes, 1000)
        access = with_token(access, kept, key)
    write_access(tmp_path / "access.json", access)
    return sent


@pytest.fixture
def guarded(tmp_path: Path, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Desk:  # noqa: ARG001
    return Desk(monkeypatch, Guard(tmp_path / "access.json"))


def test_every_operation_has_its_scope(guarded: Desk) -> None:
    spoken = guarded.client.get("/openapi.json").json()["paths"]
    operations = {
        (method.upper(), route)
        for route, of in spoken.items()
        for method in of
        if "/households/" in route
    }

    assert operations == set(ASKED)
    assert {route for route in SCOPES if "/households/" in route} == {route for _, route in ASKED}


@pytest.mark.parametrize("operation", ASKED)
def test_every_operation_refuses_every_wrong_token(
    guarded: Desk, tokens: dict[str, str], operation: tuple[str, str]
) -> None:
    right = SCOPES[operation[1]]
    wrong = {
        None: "no_token",
        "Basic x": "no_token",
        f"Bearer {tokens['export']}x": "wrong_token",
        f"Bearer {tokens['export' if right == 'operate' else 'operate']}": "missing_scope",
        f"Bearer {tokens['all']}": "other_tenant",
    }
    for header, code in wrong.items():
        headers = {} if header is None else {"authorization": header}
        answer = guarded.ask(*operation, ASKED[operation], headers=headers, household=OURS)
        assert (answer.status_code, answer.json()["type"]) == (
            REFUSALS[code],
            f"urn:misfire:{code}",
        )
    assert not guarded.sent

    headers = {"authorization": f"Bearer {tokens[str(right)]}"}
    assert (
        guarded.ask(*operation, ASKED[operation], headers=headers, household=OURS).status_code
        == 200
    )


def test_the_caller_of_every_operation_is_logged(
    guarded: Desk, tokens: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "streams.privacy.operator_api"):
        guarded.ask(
            "POST",
            "/v1/households/{household_id}/erasure",
            headers={"authorization": f"Bearer {tokens['operate']}"},
            household=OURS,
        )

    (line,) = caplog.records
    name, _, secret = tokens["operate"].partition(".")
    assert (line.message, line.fields) == ("erase", {"household_id": OURS, "token": name})  # type: ignore[attr-defined]
    assert secret not in caplog.text


def test_without_an_access_file_a_token_is_still_required(desk: Desk) -> None:
    with pytest.raises(ValueError, match="always requires a token"):
        api.build_operator(Brokers("nobody.invalid:9092"), Guard(None))

    del desk.client.headers["authorization"]
    for operation, body in ASKED.items():
        answer = desk.ask(*operation, body)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:misfire:no_token")
    assert not desk.sent


def test_a_body_is_not_read_before_the_token(desk: Desk) -> None:
    read: list[bytes] = []

    def endless() -> Iterator[bytes]:
        for _ in range(3):
            read.append(b"x" * 65_536)
            yield read[-1]

    del desk.client.headers["authorization"]
    headers = {"content-type": "application/json"}
    with patch.object(Request, "stream", side_effect=AssertionError("the body was read")):
        answer = desk.client.post(
            f"/v1/households/{home(1)}/export", content=endless(), headers=headers
        )

    assert answer.status_code == 401


def test_a_body_beyond_its_limit_is_not_parsed(desk: Desk) -> None:
    body = b'{"recipients": ["' + b"a" * MAX_BYTES + b'"]}'

    answer = desk.client.post(
        f"/v1/households/{home(1)}/export",
        content=body,
        headers={"content-type": "application/json"},
    )

    assert (answer.status_code, answer.json()["type"]) == (413, "urn:misfire:too_large")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"x-misfire-callback": "1"}, 403),
    ],
)
def test_a_page_of_another_origin_cannot_erase_a_household(
    desk: Desk, headers: dict[str, str], status: int
) -> None:
    for operation in ASKED:
        answer = desk.client.request(
            operation[0], operation[1].format(household_id=home(1)), content=b"{}", headers=headers
        )
        assert answer.status_code == status
    assert not desk.sent


def test_one_tenant_never_takes_the_last_place() -> None:
    places = api.Places()
    assert places.take("acme")
    assert not places.take("acme")
    assert places.take("bolt")
    assert not places.take("corp")
    places.leave("acme")
    assert places.take("corp")


def test_a_topic_that_an_upgrade_has_not_created_yet_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch)
    desk.missing = [RULES]

    shown = desk.client.get(f"/v1/households/{home(0)}").json()["sources"]
    left = desk.client.get(f"/v1/households/{home(0)}/erasure").json()

    assert [each["source"] for each in shown if each["missing"]] == [RULES]
    assert left["missing"] == [RULES]
