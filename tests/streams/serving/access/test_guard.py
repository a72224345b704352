from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from detector.contracts.decisions import RiskClass, Rung, Verdict
from detector.contracts.events import OutcomeKind, OutcomeSource
from streams.errors import DependencyUnavailable, UsageError
from streams.gateway.ladder import Ladder
from streams.gateway.late_answers import LateAnswers
from streams.gateway.routes import build_gateway
from streams.gateway.shares import Places
from streams.local.processes import free_port
from streams.serving.access.guard import REFUSALS, SCOPES, Guard
from streams.serving.access.token_file import (
    AccessFile,
    Scope,
    new_token,
    read_access,
    revoked,
    with_token,
    write_access,
)
from streams.settings import Settings
from streams.telemetry import metrics
from streams.wire.late_answer import LateAnswer
from streams.wire.records import INTENT, OUTCOME
from tests.detector.builders import event, hand_bundle, outcome

OURS, THEIRS = f"hacme_{'0' * 32}", f"hbeta_{'0' * 32}"
#: Ids that look like this tenant's but are not.
HOST_REFUSALS = (
    THEIRS,
    "h1",
    "hacme",
    f"hacme_{'0' * 31}",
    f"hacme_{'0' * 33}",
    f"xhacme_{'0' * 32}",
)
#: Routes with methods and valid bodies; only the caller is wrong.
ASKED = {
    "/v1/decide": ("POST", INTENT.encode(event(1, household_id=OURS))),
    "/v1/decide/batch": ("POST", b"[" + INTENT.encode(event(1, household_id=OURS)) + b"]"),
    "/v1/outcomes": (
        "POST",
        OUTCOME.encode(outcome("e1", OutcomeKind.EXECUTED, household_id=OURS)),
    ),
    "/v1/late": ("GET", b""),
    "/v1/confirmations/{confirmation_id}": ("POST", b"{}"),
    "/metrics": ("GET", b""),
}


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    """Write ``access.json``; return the tokens in it by what they may do."""
    access, sent = AccessFile(), {}
    for tenant, key, scope in (
        ("acme", "hacme", "decide"),
        ("acme", "hacme", "confirm"),
        ("acme", "hacme", "operate"),
        ("beta", "hbeta", "beta"),
    ):
        scopes = frozenset(Scope) if scope == "beta" else frozenset([Scope(scope)])
        sent[scope], kept = new_token(tenant, scopes, 5 if scope == "confirm" else 1000)
        access = with_token(access, kept, key)
    write_access(tmp_path / "access.json", access)
    return sent


@pytest.fixture
def client(tmp_path: Path, tokens: dict[str, str]) -> Iterator[TestClient]:  # noqa: ARG001 - the file must exist
    """Return a gateway with tokens and a bundle, but without a broker."""
    bundle = hand_bundle()
    settings = Settings(broker=f"127.0.0.1:{free_port()}", deadline_ms=50)
    guard = Guard(tmp_path / "access.json")
    with TestClient(build_gateway(settings, Ladder(bundle.policy, bundle), guard)) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def refused(reason: str) -> float:
    return float(metrics.REFUSED.labels(reason)._value.get())


def test_every_route_has_its_scope(client: TestClient) -> None:
    spoken = client.get("/openapi.json").json()["paths"]

    # Routes of the operator API: tests/streams/privacy/test_operator_api.py.
    of_the_operator = ("/v1/households/", "/v1/bundles", "/v1/labels", "/v1/rules")
    ours = {
        route: scope for route, scope in SCOPES.items() if not route.startswith(of_the_operator)
    }
    assert set(ours) == {*spoken, "/metrics"}
    assert set(ASKED) == {route for route, scope in ours.items() if scope}


@pytest.mark.parametrize("route", ASKED)
def test_every_route_refuses_every_wrong_token(
    client: TestClient, tokens: dict[str, str], route: str
) -> None:
    method, body = ASKED[route]
    name, _, secret = tokens["operate"].partition(".")
    wrong: dict[str, list[str | None]] = {
        "no_token": [None, "", "Bearer", "Bearer ", "Basic " + tokens["decide"], tokens["decide"]],
        "wrong_token": [
            f"Bearer {text}"
            for text in (
                "x",
                ".",
                f"{name}.",
                f"{name}.{secret}x",
                f"{name}.{secret[:-1]}",
                f"00000000.{secret}",
                secret,
            )
        ],
        "missing_scope": [
            f"Bearer {tokens[scope]}"
            for scope in ("decide", "confirm", "operate")
            if scope != SCOPES[route]
        ],
    }
    for code, headers in wrong.items():
        for header in headers:
            before = refused(code)
            asked = {"content-type": "application/json"} | (
                {} if header is None else {"authorization": header}
            )
            answer = client.request(method, route, content=body, headers=asked)

            assert (answer.status_code, answer.json()["type"]) == (
                REFUSALS[code],
                f"urn:misfire:{code}",
            ), header
            assert refused(code) == before + 1
            assert secret not in answer.text
            assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


@pytest.mark.parametrize("household", HOST_REFUSALS)
def test_a_token_is_rejected_for_another_tenants_household(
    client: TestClient, tokens: dict[str, str], household: str
) -> None:
    asked = event(1, household_id=household)
    one = client.post("/v1/decide", content=INTENT.encode(asked), headers=bearer(tokens["decide"]))
    many = client.post(
        "/v1/decide/batch",
        content=b"[" + INTENT.encode(asked) + b"]",
        headers=bearer(tokens["decide"]),
    )
    response = client.post(
        "/v1/outcomes",
        content=OUTCOME.encode(outcome("e1", OutcomeKind.EXECUTED, household_id=household)),
        headers=bearer(tokens["decide"]),
    )

    codes = {one.json()["type"], many.json()[0]["type"], response.json()["type"]}
    assert codes == {"urn:misfire:other_tenant"}


def test_a_valid_token_is_accepted(client: TestClient, tokens: dict[str, str]) -> None:
    body = INTENT.encode(event(1, household_id=OURS))

    assert (
        client.post("/v1/decide", content=body, headers=bearer(tokens["decide"])).status_code == 200
    )
    assert client.get("/metrics", headers=bearer(tokens["operate"])).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_an_answer_to_another_tenants_confirmation_is_refused(
    client: TestClient, tokens: dict[str, str]
) -> None:
    answer = {
        "confirmation_id": "c1",
        "answer_id": "a1",
        "household_id": OURS,
        "session_id": "s1",
        "intent": "messages.SendMessage",
        "method": "spoken",
        "accepted": True,
        "time": "2026-01-05T18:00:00Z",
        "slots": {},
    }
    heard = json.loads(INTENT.encode(event(1, household_id=THEIRS)))
    for given, refused in (
        (answer | {"household_id": THEIRS}, (403, "urn:misfire:other_tenant")),
        (answer | {"household_id": THEIRS, "heard": heard}, (403, "urn:misfire:other_tenant")),
        (answer | {"heard": heard}, (422, "urn:misfire:schema")),
    ):
        found = client.post(
            "/v1/confirmations/c1", content=json.dumps(given), headers=bearer(tokens["confirm"])
        )

        assert (found.status_code, found.json()["type"]) == refused


def test_a_token_is_limited_to_its_rate(tmp_path: Path) -> None:
    token, kept = new_token("acme", frozenset(Scope), 5)
    write_access(tmp_path / "access.json", with_token(AccessFile(), kept, "hacme"))
    bundle = hand_bundle()
    settings = Settings(broker=f"127.0.0.1:{free_port()}", deadline_ms=50)
    many = b"[" + b",".join([INTENT.encode(event(1, household_id=OURS))] * 6) + b"]"
    with TestClient(
        build_gateway(settings, Ladder(bundle.policy, bundle), Guard(tmp_path / "access.json"))
    ) as client:
        found = client.post("/v1/decide/batch", content=many, headers=bearer(token))

    assert (found.status_code, found.json()["type"]) == (429, "urn:misfire:rate_exceeded")
    assert found.headers["retry-after"] == "1"


def test_a_revoked_token_is_rejected_at_once_and_a_damaged_file_revokes_none(
    client: TestClient, tokens: dict[str, str], tmp_path: Path
) -> None:
    file, body = tmp_path / "access.json", INTENT.encode(event(1, household_id=OURS))
    whole = file.read_bytes()
    file.write_bytes(b"{")
    assert (
        client.post("/v1/decide", content=body, headers=bearer(tokens["decide"])).status_code == 200
    )

    file.write_bytes(whole)
    write_access(file, revoked(read_access(file), tokens["decide"].partition(".")[0]))
    assert (
        client.post("/v1/decide", content=body, headers=bearer(tokens["decide"])).status_code == 401
    )
    assert client.get("/metrics", headers=bearer(tokens["operate"])).status_code == 200


def test_the_access_file_has_no_secrets_and_is_private(
    tmp_path: Path, tokens: dict[str, str]
) -> None:
    file = tmp_path / "access.json"

    assert not any(token.partition(".")[2] in file.read_text() for token in tokens.values())
    assert file.stat().st_mode & 0o077 == 0
    file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_access(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "JSON"),
        (b'{"tenants": {"acme": "H"}}', "tenants.acme"),
        (
            b'{"tenants": {"acme": "h1", "beta": "h1"}}',
            "more than one tenant has the household key h1",
        ),
        (
            b'{"tokens": [{"id": "00000000", "tenant": "x", "scopes": ["decide"], "sha256": "'
            + b"0" * 64
            + b'"}]}',
            "tenant 'x' of a token has no household key",
        ),
        (
            b'{"tokens": [{"id": "00000000", "tenant": "x", "scopes": [], "sha256": "1"}]}',
            "tokens.0.scopes",
        ),
    ],
)
def test_problems_of_an_access_file_are_listed(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "access.json"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(UsageError, match="access") as found:
        Guard(file)
    assert said in str(found.value)


def test_the_error_for_a_missing_file_says_how_to_create_it(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="misfire token new"):
        Guard(tmp_path / "access.json")


def test_tenants_cannot_share_a_household_key() -> None:
    (_, one), (_, two) = (new_token(tenant, frozenset(Scope), 1) for tenant in ("acme", "beta"))
    access = with_token(AccessFile(), one, "hacme")

    for token, key, said in (
        (two, "hacme", "more than one"),
        (two, None, "is new"),
        (one, "hbeta", "not hbeta"),
    ):
        with pytest.raises(UsageError, match=said):
            with_token(access, token, key)


def test_every_route_depends_on_the_guard(client: TestClient) -> None:
    routes = [route for route in client.app.routes if isinstance(route, APIRoute)]  # type: ignore[attr-defined]

    assert all(
        any(isinstance(dependency.call, Guard) for dependency in route.dependant.dependencies)
        for route in routes
    )


def test_all_tokens_of_a_tenant_share_one_rate(tmp_path: Path) -> None:
    one, two, other = (
        new_token(tenant, frozenset(Scope), 5)[1] for tenant in ("acme", "acme", "bolt")
    )
    access = with_token(AccessFile(), one, "hacme")
    access = with_token(with_token(access, two, None), other, "hbolt")
    write_access(tmp_path / "access.json", access)
    guard = Guard(tmp_path / "access.json")

    assert guard.admits(one, 3)
    assert guard.admits(two, 2)
    assert not guard.admits(two, 1)
    assert guard.admits(other, 5)

    write_access(
        tmp_path / "access.json",
        with_token(access, new_token("acme", frozenset(Scope), 5)[1], None, 8),
    )
    guard = Guard(tmp_path / "access.json")
    assert not guard.admits(one, 6)
    assert guard.admits(two, 5)
    assert read_access(tmp_path / "access.json").rate_of("acme") == 8
    assert read_access(tmp_path / "access.json").rate_of("nobody") is None


def late_about(household: str) -> LateAnswer:
    return LateAnswer(
        event_id="e1",
        household_id=household,
        session_id="s1",
        intent="messages.SendMessage",
        risk_class=RiskClass.PRIVATE_OUTBOUND,
        answered=Verdict.ALLOW,
        rung=Rung.POLICY,
        reason="worker_late",
        decided=Verdict.BLOCK,
        decision_id="d1",
        late_ms=1,
    )


def test_late_answers_are_sent_only_to_their_tenant(
    client: TestClient, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listens = LateAnswers.listen

    async def listen(
        answers: LateAnswers, _: int | None, owns: Any, __: Any
    ) -> AsyncGenerator[tuple[int, LateAnswer], None]:
        for household in (THEIRS, OURS):
            answers.publish(late_about(household), None)
        found = listens(answers, 0, owns)
        yield await anext(found)

    monkeypatch.setattr(LateAnswers, "listen", listen)
    response = client.get("/v1/late", headers=bearer(tokens["decide"])).text

    assert OURS in response
    assert THEIRS not in response


def test_a_stream_keeps_its_place_until_it_ends(
    client: TestClient, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Places] = []

    async def listen(answers: LateAnswers, *_: Any) -> AsyncGenerator[tuple[int, LateAnswer], None]:
        assert answers._places._tenants == {"acme": 1}
        held.append(answers._places)
        yield 1, late_about(OURS)

    monkeypatch.setattr(LateAnswers, "listen", listen)
    assert client.get("/v1/late", headers=bearer(tokens["decide"])).is_success
    assert [places.taken for places in held] == [0]


def without_the_token(access: AccessFile, name: str) -> AccessFile:
    return revoked(access, name)


def with_another_key(access: AccessFile, _: str) -> AccessFile:
    return replace(access, tenants=access.tenants | {"acme": "hother"})


@pytest.mark.parametrize("change", [without_the_token, with_another_key])
def test_the_stream_of_a_revoked_token_ends(
    client: TestClient,
    tokens: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[AccessFile, str], AccessFile],
) -> None:
    file = tmp_path / "access.json"

    async def listen(
        _: LateAnswers, __: Any, owns: Callable[[str], bool], may: Callable[[], bool]
    ) -> AsyncGenerator[tuple[int, LateAnswer], None]:
        assert owns(OURS)
        assert may()
        yield 1, late_about(OURS)
        write_access(file, change(read_access(file), tokens["decide"].partition(".")[0]))
        if may():
            yield 2, late_about(OURS)

    monkeypatch.setattr(LateAnswers, "listen", listen)
    response = client.get("/v1/late", headers=bearer(tokens["decide"])).text

    assert response.count(OURS) == 1


@pytest.mark.parametrize(
    ("token", "source", "status"),
    [
        ("decide", OutcomeSource.RUNTIME, 202),
        ("decide", OutcomeSource.OPERATOR, 403),
        ("decide", OutcomeSource.GATEWAY, 403),
        ("beta", OutcomeSource.RUNTIME, 202),
        ("beta", OutcomeSource.OPERATOR, 202),
        ("beta", OutcomeSource.GATEWAY, 403),
    ],
)
def test_the_scopes_of_a_token_determine_the_reported_source(
    client: TestClient, tokens: dict[str, str], token: str, source: OutcomeSource, status: int
) -> None:
    household = OURS if token == "decide" else THEIRS
    sent = outcome("e1", OutcomeKind.DENIED, household_id=household, source=source)
    answer = client.post(
        "/v1/outcomes", content=OUTCOME.encode(sent), headers=bearer(tokens[token])
    )

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] == "urn:misfire:other_source"
