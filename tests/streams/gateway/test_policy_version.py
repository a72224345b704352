from __future__ import annotations

import logging

import pytest
from fastapi.testclient import TestClient

from streams.files.policy import read_policy
from streams.gateway.ladder import Ladder
from streams.gateway.routes import build_gateway
from streams.local.processes import free_port
from streams.settings import Settings
from streams.telemetry import metrics
from streams.wire.http_headers import POLICY_VERSION

OURS = read_policy().version


def counted() -> float:
    return float(metrics.POLICY_DIFFERS._value.get())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "streams.gateway.policy_version"
    ]


def test_policy_versions_are_exchanged(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(broker=f"127.0.0.1:{free_port()}", deadline_ms=50)
    with (
        caplog.at_level(logging.WARNING, "streams.gateway.policy_version"),
        TestClient(build_gateway(settings, Ladder(read_policy(), None))) as client,
    ):
        before = counted()
        for theirs in (None, OURS):
            headers = {} if theirs is None else {POLICY_VERSION: theirs}
            assert client.get("/healthz", headers=headers).headers[POLICY_VERSION] == OURS
        assert (counted(), warnings(caplog)) == (before, [])

        for _ in range(3):
            client.get("/healthz", headers={POLICY_VERSION: "older"})
        for number in range(40):
            client.get("/healthz", headers={POLICY_VERSION: f"{number}"})

    assert counted() == before + 3 + 40 - (OURS in map(str, range(40)))
    said = warnings(caplog)
    assert (
        said[0]
        == f"a client uses the fallbacks of policy 'older', but this gateway uses policy {OURS!r}"
    )
    assert len(said) == 16
