"""Rules over the operator API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from detector.contracts.decisions import Verdict
from detector.contracts.rules import Rule
from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.lifecycle import rule_requests, rules_api
from streams.lifecycle.rule_log import read_rules
from streams.lifecycle.rules_dry_run import DryRun, Unclassified
from streams.privacy.operator_api import build_operator
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import Scope, new_token
from tests.detector.rules import rule
from tests.streams.lifecycle.rule_topic import RuleTopic
from tests.streams.lifecycle.tenants import OURS, THEIRS, write_tokens

BODY = {"act": "block", "intent": "shop.*", "why": "a broken skill"}
BROKERS = Brokers("nobody.invalid:9092")


class Api:
    """The operator API with tokens of two tenants and of none, on a topic in memory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.topic = RuleTopic(monkeypatch)
        self.tried: list[Rule] = []
        self.asked: list[Any] = []
        monkeypatch.setattr(rule_requests, "dry_run", self._dry_run)
        monkeypatch.setattr(rules_api, "unclassified_intents", self._unclassified)
        self.tokens = write_tokens(folder / "access.json")
        self.tokens["platform", Scope.OPERATE], own = new_token(
            "platform", frozenset([Scope.OPERATE]), 1000
        )
        tenants = TestClient(build_operator(BROKERS, Guard(folder / "access.json")))
        platform = TestClient(build_operator(BROKERS, Guard(None, own)))
        self.clients = {"acme": tenants, "beta": tenants, "platform": platform}

    def call(
        self,
        method: str,
        path: str = "",
        *,
        tenant: str = "acme",
        scope: Scope = Scope.OPERATE,
        **more: Any,
    ) -> Any:
        bearer = {"authorization": f"Bearer {self.tokens[tenant, scope]}"}
        return self.clients[tenant].request(method, f"/v1/rules{path}", headers=bearer, **more)

    def rules(self, tenant: str = "acme") -> list[str]:
        return [each["rule_id"] for each in self.call("GET", tenant=tenant).json()["rules"]]

    def _dry_run(self, _: Brokers, asked: Rule, __: Any, **_since: float) -> DryRun:
        self.tried.append(asked)
        found = DryRun(commands=3, matched=1, changed=1)
        found.before[Verdict.ALLOW] = found.after[Verdict.BLOCK] = 1
        return found

    def _unclassified(self, _: Brokers, *, ours: Any, **_since: float) -> Unclassified:
        self.asked.append([each for each in (OURS, THEIRS) if ours(each)])
        return Unclassified({"zebra.Frobnicate": 4}, complete=True)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(tmp_path, monkeypatch)


def test_a_rule_belongs_to_the_tokens_tenant_and_names_the_token(api: Api) -> None:
    answer = api.call("POST", json=BODY | {"household_id": OURS})

    token = api.tokens["acme", Scope.OPERATE].partition(".")[0]
    [made] = read_rules(BROKERS).rules.values()
    assert answer.status_code == 201
    assert answer.json()["rule"]["rule_id"] == made.rule_id
    assert (made.tenant, made.owner, made.household_id) == ("hacme", token, OURS)


def test_a_rule_is_removed_with_a_reason(api: Api) -> None:
    api.topic.add(rule(tenant="hacme"))

    assert api.call("DELETE", "/r1").status_code == 422
    answer = api.call("DELETE", "/r1", params={"why": "repaired"})

    assert (answer.status_code, answer.json()["removed"]["rule_id"]) == (200, "r1")
    assert api.rules() == []
    token = api.tokens["acme", Scope.OPERATE].partition(".")[0]
    for tenant, seen in (("acme", [(token, "repaired")]), ("beta", [])):
        gone = api.call("GET", params={"removed": True}, tenant=tenant).json()["removed"]
        assert [(each["by"], each["why"]) for each in gone] == seen


def test_a_tenant_sees_its_own_rules_and_those_for_everybody(api: Api) -> None:
    api.topic.add(
        rule(rule_id="ours", tenant="hacme"),
        rule(rule_id="theirs", tenant="hbeta"),
        rule(rule_id="all"),
        rule(rule_id="one-of-theirs", household_id=THEIRS),
    )

    assert api.rules() == ["ours", "all"]
    assert api.rules("platform") == ["ours", "theirs", "all", "one-of-theirs"]


@pytest.mark.parametrize("rule_id", ["theirs", "all", "unknown"])
def test_a_tenant_cannot_remove_the_rules_of_others(api: Api, rule_id: str) -> None:
    api.topic.add(rule(rule_id="theirs", tenant="hbeta"), rule(rule_id="all"))

    answer = api.call("DELETE", f"/{rule_id}", params={"why": "a test"})

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:misfire:unknown_rule")
    assert len(read_rules(BROKERS).rules) == 2


@pytest.mark.parametrize("path", ["", "/dry-run"])
@pytest.mark.parametrize("body", [{"household_id": THEIRS}, {"tenant": "hbeta"}])
def test_a_tenant_cannot_make_a_rule_for_another(api: Api, path: str, body: Any) -> None:
    answer = api.call("POST", path, json=BODY | body)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:misfire:other_tenant")
    assert not api.topic.held
    assert not api.tried


def test_a_token_of_no_tenant_makes_rules_for_one_or_for_all(api: Api) -> None:
    for body in (BODY, BODY | {"tenant": "hbeta"}):
        assert api.call("POST", tenant="platform", json=body).status_code == 201

    assert {each.tenant for each in read_rules(BROKERS).rules.values()} == {"", "hbeta"}


def test_every_problem_of_a_rule_is_reported(api: Api) -> None:
    answer = api.call("POST", json={"act": "snooze", "intent": "?", "why": " "})

    assert answer.status_code == 422
    said = answer.json()["detail"]
    assert ["why" in said, "intent" in said, "expires" in said] == [True, True, True]


def test_a_snooze_has_an_expiry(api: Api) -> None:
    expires = (datetime.now(UTC) + timedelta(hours=2)).isoformat()

    answer = api.call("POST", json=BODY | {"act": "snooze", "expires": expires})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "body", [{}, BODY | {"act": "burn"}, BODY | {"more": 1}, BODY | {"risk_class": "odd"}]
)
def test_a_malformed_rule_is_refused(api: Api, body: Any) -> None:
    assert api.call("POST", json=body).status_code == 422


def test_a_dry_run_adds_nothing(api: Api) -> None:
    answer = api.call("POST", "/dry-run", json=BODY, params={"since": "12h"})

    said = answer.json()
    assert answer.status_code == 200
    assert (said["since"], said["commands"], said["changed"]) == ("12h", 3, 1)
    assert (said["before"], said["after"]) == ({"allow": 1}, {"block": 1})
    assert [each.tenant for each in api.tried] == ["hacme"]
    assert not api.topic.held


def test_unclassified_intents_are_counted_for_the_callers_tenant(api: Api) -> None:
    answer = api.call("GET", "/unclassified").json()

    assert answer["intents"] == {"zebra.Frobnicate": 4}
    assert api.asked == [[OURS]]
    assert api.call("GET", "/unclassified", params={"since": "soon"}).status_code == 422


def test_a_token_without_the_scope_is_refused(api: Api) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/r1"), ("POST", "/dry-run")):
        assert api.call(method, path, scope=Scope.DECIDE, json=BODY).status_code == 403


def test_without_a_broker_the_api_is_unavailable(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise DependencyUnavailable("no broker")

    for name in ("read_rules", "add_rule", "remove_rule", "tried"):
        monkeypatch.setattr(rules_api, name, gone)

    assert api.call("GET").status_code == 503
    assert api.call("POST", json=BODY).status_code == 503
    assert api.call("DELETE", "/r1", params={"why": "a test"}).status_code == 503
    assert api.call("POST", "/dry-run", json=BODY).status_code == 503
