from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from streams.serving.hosts import HOST_REFUSALS, HostCheck
from streams.telemetry import metrics
from streams.wire.host_names import named, named_hosts

BASE = "http://10.0.0.7:8750"


def client(**given: Any) -> TestClient:
    app = FastAPI()
    app.add_middleware(HostCheck, **given)

    @app.api_route("/", methods=["GET", "POST", "PUT", "OPTIONS"])
    async def answer() -> dict[str, bool]:
        return {"ok": True}

    return TestClient(app, base_url=BASE)


def status_of(client: TestClient, method: str = "GET", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return int(client.request(method, "/", headers=named).status_code)


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.7:8750",
        "10.0.0.7",
        "localhost:8750",
        "LOCALHOST.:8750",
        "127.0.0.1:8750",
        "[::1]:8750",
        "[0:0::1]:8750",
    ],
)
def test_loopback_and_the_address_of_the_connection_are_own_hosts(host: str) -> None:
    assert status_of(client(), host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8750",
        "10.0.0.8:8750",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.7:1",
        "127.0.0.1:80",
        "2130706433",
        "0.0.0.0:8750",
        "user@10.0.0.7:8750",
        "10.0.0.7:8750/x",
        "10.0.0.7:8750,evil.example",
        "",
        " ",
        "[::1",
        "\u017fome",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_host_name_is_rejected(host: str, method: str) -> None:
    before = metrics.REFUSED.labels("wrong_host")._value.get()

    assert (
        client(host="0.0.0.0").request(method, "/", headers={"host": host.encode()}).status_code
        == 421
    )
    assert metrics.REFUSED.labels("wrong_host")._value.get() == before + 1


def test_exactly_one_host_header_is_required() -> None:
    twice = [("host", "10.0.0.7:8750"), ("host", "evil.example")]

    assert client().get("/", headers=twice).status_code == 421


def test_a_host_can_be_allowed_for_one_port_or_all() -> None:
    found = client(hosts=named_hosts("hook.home.arpa, Gateway:443"))

    assert (
        status_of(found, host="hook.home.arpa")
        == status_of(found, host="HOOK.home.arpa:1234")
        == 200
    )
    assert status_of(found, host="gateway:443") == 200
    assert status_of(found, host="gateway:8750") == status_of(found, host="gateway") == 421
    assert status_of(client(host="gateway"), host="gateway:8750") == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://10.0.0.7",
        "http://10.0.0.7:8751",
        "http://10.0.0.7:8750.evil.example",
        "http://localhost:8750",
        "file://",
        "chrome-extension://abcdef",
        "https://10.0.0.7",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_origin_is_rejected(origin: str, method: str) -> None:
    assert status_of(client(), method, origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "x"])
def test_sec_fetch_site_is_checked_without_an_origin(site: str) -> None:
    assert status_of(client(), sec_fetch_site=site) == 403


def test_a_page_of_this_server_is_accepted_behind_a_tls_proxy() -> None:
    found = client(hosts=named_hosts("hook.home.arpa"))

    assert status_of(found, "POST", origin=BASE, sec_fetch_site="same-origin") == 200
    assert status_of(found, sec_fetch_site="none") == 200
    assert status_of(found, "POST", host="hook.home.arpa", origin="https://hook.home.arpa") == 200
    assert (
        status_of(found, "POST", host="hook.home.arpa", origin="https://hook.home.arpa:443") == 200
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize(
    "kind",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonx",
        "application/vnd.misfire.late+json",
        "",
    ],
)
def test_a_body_must_be_declared_as_json(method: str, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}

    assert client().request(method, "/", content=b"{}", headers=headers).status_code == 415
    chunked = client().request(method, "/", content=iter([b"{}"]), headers=headers)
    assert chunked.status_code == 415


def test_a_form_without_fields_is_refused_and_a_request_without_a_body_is_not() -> None:
    assert status_of(client(), "POST", content_type="text/plain") == 415
    assert status_of(client(), "POST") == 200
    assert status_of(client(), "GET", content_type="text/plain") == 200


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"]
)
def test_json_is_accepted(kind: str) -> None:
    assert client().post("/", content=b"{}", headers={"content-type": kind}).status_code == 200


def test_two_media_types_are_refused() -> None:
    twice = [("content-type", "application/json"), ("content-type", "text/plain")]

    assert client().post("/", content=b"{}", headers=twice).status_code == 415


def test_a_late_answer_is_never_accepted_as_a_command() -> None:
    found = client().post("/", json={}, headers={"x-misfire-callback": "1"})

    assert (found.status_code, found.json()["type"]) == (403, "urn:misfire:callback_sent")
    assert found.headers["content-type"] == "application/problem+json"
    assert "callback_sent" in HOST_REFUSALS


def test_invalid_host_names_are_reported() -> None:
    assert named("a b") is None
    assert named("[::FFFF:127.0.0.1]:5") == ("127.0.0.1", 5)
    with pytest.raises(ValueError, match="'a b' is not HOST"):
        named_hosts("x,a b")
