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


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "mqtt://", "mqtt://a:b", "mqtt://[::1"])
def test_an_address_that_is_not_of_mqtt_is_refused(url: str) -> None:
    done = misfire("runtimes", "bridge", "hermes", "--rhasspy", url, "--skills", "mqtt://a")
    assert done.returncode == 2
    assert f"--rhasspy '{url}': write the address as mqtt://HOST[:PORT]" in done.stderr


def test_a_broker_that_is_not_there_is_a_missing_dependency(tmp_path: Path) -> None:
    brokers = [f"mqtt://127.0.0.1:{free_port()}" for _ in range(2)]
    done = misfire(
        *("runtimes", "bridge", "hermes", "--rhasspy", brokers[0], "--skills", brokers[1]),
        *("--file", tmp_path / "home.sqlite"),
    )
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr


@pytest.mark.parametrize("option", ["--recognize", "--handle", "--listen"])
@pytest.mark.parametrize("address", ["127.0.0.1", "tcp://a", "tcp://a:99999", "unix://a"])
def test_an_address_that_is_not_of_wyoming_is_refused(option: str, address: str) -> None:
    given = {"--recognize": "tcp://127.0.0.1:1"} | {option: address}
    done = misfire(
        "runtimes", "bridge", "wyoming", *(word for pair in given.items() for word in pair)
    )
    assert done.returncode == 2
    assert f"{option} '{address}': write the address as tcp://HOST:PORT" in done.stderr


def test_an_address_that_cannot_be_served_is_a_missing_dependency(tmp_path: Path) -> None:
    done = misfire(
        *("runtimes", "bridge", "wyoming", "--recognize", "tcp://127.0.0.1:1"),
        *("--listen", f"unix://{tmp_path}/none/socket", "--file", tmp_path / "home.sqlite"),
    )
    assert done.returncode == 3
    assert "cannot be served" in done.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8750", "http://a:b", "ftp://a"])
def test_an_address_that_is_not_of_a_gateway_is_refused(url: str) -> None:
    for words in (
        ("bridge", "wyoming", "--recognize", "tcp://a:1", "--keyring", "k", "--url", url),
        ("check", url),
        ("play", url, "--month", "m", "--labels", "l", "--out", "o"),
    ):
        done = misfire("runtimes", *words)
        assert done.returncode == 2
        assert "http://HOST[:PORT]" in done.stderr


def test_a_gateway_needs_a_keyring() -> None:
    done = misfire(
        *("runtimes", "bridge", "wyoming", "--recognize", "tcp://127.0.0.1:1"),
        *("--url", "http://127.0.0.1:8750"),
    )
    assert done.returncode == 2
    assert "--keyring" in done.stderr
