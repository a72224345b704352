"""``misfire runtimes bridge``: what the commands refuse before they connect."""

from pathlib import Path

import pytest

from streams.local.processes import free_port
from tests.commands import misfire


def test_skills_need_a_broker_of_their_own() -> None:
    broker = "mqtt://127.0.0.1:1883"
    done = misfire("runtimes", "bridge", "hermes", "--rhasspy", broker, "--skills", broker)
    assert done.returncode == 2
    assert "the same broker" in done.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "mqtt://"])
def test_an_address_that_is_not_of_mqtt_is_refused(url: str) -> None:
    done = misfire("runtimes", "bridge", "hermes", "--rhasspy", url, "--skills", "mqtt://a")
    assert done.returncode == 2
    assert "is not mqtt://" in done.stderr


def test_a_broker_that_is_not_there_is_a_missing_dependency(tmp_path: Path) -> None:
    brokers = [f"mqtt://127.0.0.1:{free_port()}" for _ in range(2)]
    done = misfire(
        *("runtimes", "bridge", "hermes", "--rhasspy", brokers[0], "--skills", brokers[1]),
        *("--file", tmp_path / "home.sqlite"),
    )
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr


def test_an_address_that_cannot_be_served_is_refused(tmp_path: Path) -> None:
    done = misfire(
        *("runtimes", "bridge", "wyoming", "--recognize", "tcp://127.0.0.1:1"),
        *("--listen", "127.0.0.1", "--file", tmp_path / "home.sqlite"),
    )
    assert done.returncode == 2
    assert "--listen" in done.stderr


def test_a_gateway_needs_a_keyring() -> None:
    done = misfire(
        *("runtimes", "bridge", "wyoming", "--recognize", "tcp://127.0.0.1:1"),
        *("--url", "http://127.0.0.1:8750"),
    )
    assert done.returncode == 2
    assert "--keyring" in done.stderr
