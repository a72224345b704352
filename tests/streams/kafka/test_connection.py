from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import faust
import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.kafka.connection import Brokers, Login, brokers_of
from streams.settings import Settings
from streams.worker.app import build_app

FILE = Path("file")


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    return file


def test_the_default_is_plaintext() -> None:
    brokers = brokers_of(Settings(broker="a:1,b:2"))

    assert brokers == Brokers("a:1,b:2")
    assert brokers.options == {"bootstrap_servers": "a:1,b:2"}
    assert brokers.protocol == "in plaintext"


def test_every_client_sends_the_password_over_tls(password: Path) -> None:
    settings = Settings(
        kafka_security="SASL_SSL", kafka_user="worker", kafka_password_file=password
    )
    brokers = brokers_of(settings)

    options = brokers.options
    tls = options.pop("ssl_context")
    assert isinstance(tls, ssl.SSLContext)
    assert tls.check_hostname
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert options == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "worker",
        "sasl_plain_password": "correct horse",
    }
    credentials = build_app(settings).app.conf.broker_credentials
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.protocol.value, credentials.mechanism.value) == (
        "SASL_SSL",
        "SCRAM-SHA-512",
    )
    assert brokers.protocol == "over SASL_SSL as worker"


def test_a_certificate_alone_is_mutual_tls() -> None:
    settings = Settings(kafka_security="SSL")

    assert brokers_of(settings).options["security_protocol"] == "SSL"
    assert isinstance(build_app(settings).app.conf.broker_credentials, faust.SSLCredentials)


def test_the_password_is_not_shown() -> None:
    brokers = Brokers(
        "a:1", ssl.create_default_context(), Login("PLAIN", "worker", "correct horse")
    )

    assert "correct horse" not in f"{brokers} {brokers!r} {brokers.protocol}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_ca": FILE}, ["kafka_ca would not be used with kafka_security PLAINTEXT"]),
        ({"kafka_security": "SSL", "kafka_user": "worker"}, ["kafka_user would not be used"]),
        (
            {"kafka_security": "SSL", "kafka_cert": FILE},
            ["kafka_cert and kafka_key belong together"],
        ),
        ({"kafka_security": "SASL_SSL"}, ["needs kafka_password_file and kafka_user too"]),
        (
            {"kafka_security": "SASL_SSL", "kafka_user": "worker", "kafka_key": FILE},
            ["kafka_cert and kafka_key belong together", "needs kafka_password_file too"],
        ),
    ],
)
def test_every_contradiction_between_settings_is_listed(
    given: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(UsageError) as found:
        brokers_of(Settings(**given))

    for sentence in said:
        assert sentence in str(found.value)
    assert str(found.value).count("\n") == len(said)


def test_a_missing_file_is_named(tmp_path: Path, password: Path) -> None:
    asked: dict[str, Any] = {"kafka_security": "SASL_SSL", "kafka_user": "worker"}
    missing = tmp_path / "nothing"
    (tmp_path / "empty").touch()

    with pytest.raises(DependencyUnavailable, match=r"password file .*nothing cannot be read"):
        brokers_of(Settings(**asked, kafka_password_file=missing))
    with pytest.raises(DependencyUnavailable, match="empty is empty"):
        brokers_of(Settings(**asked, kafka_password_file=tmp_path / "empty"))
    with pytest.raises(DependencyUnavailable, match=r"certificates in .*nothing cannot be used"):
        brokers_of(Settings(**asked, kafka_password_file=password, kafka_ca=missing))
    with pytest.raises(DependencyUnavailable, match=r"certificate .*nothing with key"):
        brokers_of(
            Settings(**asked, kafka_password_file=password, kafka_cert=missing, kafka_key=missing)
        )
