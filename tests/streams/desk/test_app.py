"""Log-in, tenants, CSRF and the headers of the desk."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.contracts.decisions import Reason
from detector.contracts.labels import Label, LabelKind
from streams.desk import household_pages
from streams.desk.access import COOKIE
from streams.desk.filters import Filters
from streams.desk.queries import Queries
from streams.desk.sessions import IDLE_SECONDS
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import (
    AccessFile,
    Scope,
    change_access,
    new_token,
    revoked,
    with_token,
    write_access,
)
from tests.streams.desk.desk import ACME, BOLT, Desk

#: Each page, with what it needs to show a decision or household of ``acme``.
PAGES = [
    "/desk/",
    "/desk/changes?since=0",
    f"/desk/decision?household={ACME}&event=e12",
    f"/desk/household?id={ACME}",
    "/desk/policy",
    "/desk/rules/new",
    f"/desk/household/state?id={ACME}",
    f"/desk/household/remaining?id={ACME}",
]
ACTIONS = [
    "/desk/logout",
    "/desk/label",
    "/desk/snooze",
    "/desk/classify",
    "/desk/household/export",
    "/desk/household/erase",
    "/desk/policy",
    "/desk/policy/file",
    "/desk/bundles/gates",
    "/desk/bundles/promote",
    "/desk/bundles/rollback",
    "/desk/rules/remove",
    "/desk/rules/dry-run",
    "/desk/rules/add",
]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    access, sent = AccessFile(), {}
    for name, tenant, scopes in (
        ("acme", "acme", set(Scope)),
        ("bolt", "bolt", set(Scope)),
        ("decide", "acme", {Scope.DECIDE}),
        ("operate", "acme", {Scope.OPERATE}),
    ):
        sent[name], kept = new_token(tenant, frozenset(scopes), 1000)
        access = with_token(access, kept, tenant)
    write_access(tmp_path / "access.json", access)
    return sent


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, tokens: dict[str, str], clock: Clock) -> Desk:  # noqa: ARG001 - writes the file
    return Desk(Guard(tmp_path / "access.json"), clock)


def test_a_person_without_a_session_is_sent_to_the_log_in(desk: Desk) -> None:
    for path in PAGES:
        answer = desk.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/login")
        assert desk.client.get(path, headers={"x-desk": "1"}).status_code == 401
    for path in ACTIONS:
        assert desk.client.post(path, data={"csrf": ""}).status_code == 401


@pytest.mark.parametrize(("token", "status"), [("x", 401), ("", 401), ("decide", 403)])
def test_a_wrong_token_does_not_log_in(
    desk: Desk, tokens: dict[str, str], token: str, status: int
) -> None:
    answer = desk.log_in(tokens.get(token, token))

    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    assert 'role="alert"' in answer.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    desk: Desk, tokens: dict[str, str]
) -> None:
    answer = desk.log_in(tokens["acme"])

    sent = answer.headers["set-cookie"]
    assert answer.headers["location"] == "/desk/"
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/desk", "Max-Age=28800"):
        assert attribute in sent
    assert tokens["acme"] not in sent
    assert "Secure" not in sent


def test_over_tls_the_cookie_is_secure(desk: Desk, tokens: dict[str, str]) -> None:
    answer = desk.client.post(
        "https://localhost/desk/login",
        data={"token": tokens["acme"]},
        headers={"origin": "https://localhost"},
    )

    assert "Secure" in answer.headers["set-cookie"]


def test_every_response_is_confined(desk: Desk, tokens: dict[str, str]) -> None:
    paths = ["/desk/login", "/desk/desk.css", "/desk/desk.js", "/desk/nothing", *PAGES[:5]]
    for logged_in in (False, True):
        if logged_in:
            desk.log_in(tokens["acme"])
        for path in paths:
            headers = desk.client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"


def test_two_tenants_never_see_each_other(desk: Desk, tokens: dict[str, str]) -> None:
    for own, other in (("acme", BOLT), ("bolt", ACME)):
        desk.client.cookies.clear()
        desk.log_in(tokens[own])
        assert desk.client.get("/desk/?state=all").text.count('<a class="row"') == 2
        for path in PAGES:
            answer = desk.client.get(path.replace(ACME, other))
            assert answer.status_code in ({200} if "household" not in path else {403, 404}), path
            assert other not in answer.text.replace(f"id={other}", "")
        csrf = desk.csrf()
        for path in ACTIONS[1:6]:
            data = {
                "csrf": csrf,
                "id": other,
                "household": other,
                "label": "meant",
                "recipients": "age1",
                "ending": other[-6:],
            }
            assert desk.client.post(path, data=data).status_code == 403


def test_an_action_needs_the_csrf_value_of_its_session(desk: Desk, tokens: dict[str, str]) -> None:
    desk.log_in(tokens["acme"])
    first = desk.csrf()
    desk.log_in(tokens["acme"])

    for csrf in ("", first, "é"):
        for path in ACTIONS:
            assert desk.client.post(path, data={"csrf": csrf, "id": ACME}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "multipart/form-data"}, 415),
    ],
)
def test_a_page_of_another_origin_sends_no_form(
    desk: Desk, tokens: dict[str, str], headers: dict[str, str], status: int
) -> None:
    desk.log_in(tokens["acme"])
    csrf = desk.csrf()

    for path in ("/desk/login", *ACTIONS):
        answer = desk.client.post(path, data={"csrf": csrf}, headers=headers)
        assert answer.status_code == status


def test_a_form_without_an_origin_is_refused(desk: Desk, tokens: dict[str, str]) -> None:
    del desk.client.headers["origin"]

    assert desk.log_in(tokens["acme"]).status_code == 415


def test_the_api_takes_no_forms(desk: Desk) -> None:
    answer = desk.client.post(f"/v1/households/{ACME}/erasure", data={"wait": "0"})

    assert answer.status_code == 415


def test_a_session_ends_after_a_while(desk: Desk, tokens: dict[str, str], clock: Clock) -> None:
    desk.log_in(tokens["acme"])
    clock.now = IDLE_SECONDS - 1
    # A page that looks for news by itself does not keep the session alive.
    poll = desk.client.get("/desk/changes?since=0", headers={"x-desk-poll": "1"})
    assert poll.status_code == 200

    clock.now = IDLE_SECONDS + 1
    assert desk.client.get("/desk/").status_code == 303


def test_a_revoked_token_ends_its_sessions(
    desk: Desk, tokens: dict[str, str], tmp_path: Path
) -> None:
    desk.log_in(tokens["acme"])
    assert desk.client.get("/desk/").status_code == 200

    name = tokens["acme"].partition(".")[0]
    change_access(tmp_path / "access.json", lambda access: revoked(access, name))

    assert desk.client.get("/desk/").status_code == 303


def test_a_log_out_ends_the_session_on_the_server(desk: Desk, tokens: dict[str, str]) -> None:
    desk.log_in(tokens["acme"])
    cookie = desk.client.cookies[COOKIE]
    assert desk.client.post("/desk/logout", data={"csrf": desk.csrf()}).status_code == 303

    desk.client.cookies.set(COOKIE, cookie, domain="localhost.local", path="/desk")
    assert desk.client.get("/desk/").status_code == 303


def test_an_erasure_needs_the_end_of_the_id_and_is_logged(
    desk: Desk,
    tokens: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        household_pages, "send_command", lambda _, household_id, _command: sent.append(household_id)
    )
    monkeypatch.setattr(household_pages, "wait_until_erased", lambda *_: True)
    desk.log_in(tokens["acme"])
    form = {"csrf": desk.csrf(), "id": ACME}

    assert desk.client.post("/desk/household/erase", data=form).status_code == 422
    assert not sent
    with caplog.at_level(logging.INFO):
        answer = desk.client.post("/desk/household/erase", data=form | {"ending": "000000"})

    assert (answer.status_code, sent) == (200, [ACME])
    name = tokens["acme"].partition(".")[0]
    fields = [getattr(line, "fields", None) for line in caplog.records]
    assert {"household_id": ACME, "token": name} in fields


def test_an_export_needs_its_scope(desk: Desk, tokens: dict[str, str]) -> None:
    desk.log_in(tokens["operate"])
    form = {"csrf": desk.csrf(), "id": ACME, "recipients": "age1"}

    assert "/desk/household/export" not in desk.client.get(f"/desk/household?id={ACME}").text
    assert desk.client.post("/desk/household/export", data=form).status_code == 403

    desk.log_in(tokens["acme"])
    form["csrf"] = desk.csrf()
    # The key is not one, so nothing is read.
    assert desk.client.post("/desk/household/export", data=form).status_code == 422


def test_a_hostile_name_stays_text(desk: Desk, tokens: dict[str, str]) -> None:
    hostile = "<img/src=x/onerror=alert(1)>\"'&{{7*7}}"
    row = Queries(desk.index, "acme").queue(Filters(), 2e9)[0]
    reason = Reason(code=hostile, event_id="e", bits=1.0, text=hostile)
    decision = replace(row.decision, event_id=hostile, bundle=hostile, reasons=(reason,))
    desk.index.add_decision(decision, 2e9)
    desk.log_in(tokens["acme"])

    listed = desk.client.get("/desk/", params={"household": hostile}).text
    queue = desk.client.get("/desk/").text
    shown = desk.client.get("/desk/decision", params={"household": ACME, "event": hostile}).text
    for page in (listed, queue, shown):
        assert "<img" not in page
        assert "&lt;img/src=x/onerror=alert(1)&gt;" in page
    assert "{{7*7}}" in shown


@pytest.mark.parametrize(
    "path",
    [
        f"/desk/?after=1.0,{10**30}",
        "/desk/?after=nan,nan&since=__class__&kind=constructor",
        "/desk/?household='%20OR%201=1--&reason=%25&bundle=_",
        f"/desk/changes?since={10**30}",
        f"/desk/changes?since={'9' * 5000}",
        "/desk/changes?since=%D9%A3",
        "/desk/decision?household=%00&event=%ED%A0%80",
        "/desk/household?id=acme_%00",
        "/desk/%2e%2e/v1/labels",
        "/desk/desk.css/..%2f..%2fapp.py",
    ],
)
def test_a_hostile_address_finds_nothing_of_others(
    desk: Desk, tokens: dict[str, str], path: str
) -> None:
    desk.log_in(tokens["acme"])

    answer = desk.client.get(path)
    assert answer.status_code in {200, 403, 404}
    assert BOLT not in answer.text


def test_a_page_says_which_decisions_are_labelled(desk: Desk, tokens: dict[str, str]) -> None:
    desk.log_in(tokens["acme"])
    label = Label(
        label_id="l",
        event_id="e12",
        household_id=ACME,
        label=LabelKind.MEANT,
        why="asked",
        by="alice",
        time=datetime.now(UTC),
    )
    desk.index.add_label(label, 1.0)

    assert ' data-label="meant">' in desk.client.get("/desk/?state=labelled").text


def test_an_erasure_names_a_household(desk: Desk, tokens: dict[str, str]) -> None:
    desk.log_in(tokens["acme"])
    form = {"csrf": desk.csrf(), "id": "", "ending": ""}

    assert desk.client.post("/desk/household/erase", data=form).status_code == 422


def test_no_slot_value_is_shown(desk: Desk, tokens: dict[str, str]) -> None:
    desk.log_in(tokens["acme"])

    for path in PAGES[:5]:
        assert "k1_a44e" not in desk.client.get(path).text


def test_a_large_form_is_not_read(desk: Desk) -> None:
    assert desk.log_in("x" * 40_000).status_code == 413
