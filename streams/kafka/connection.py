"""How Kafka is reached: where its brokers are, whether TLS is spoken, and what proves who one is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any

from streams.errors import DependencyUnavailable, UsageError
from streams.files.certificates import client_context
from streams.settings import Settings, read_secret

__all__ = ["EMBEDDED_CLUSTER", "Brokers", "Login", "brokers_of"]


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password, and how they are shown (SASL). The password is in no ``repr``."""

    mechanism: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Brokers:
    """The brokers' addresses, and how one speaks with them. As text it is the addresses.

    >>> Brokers("127.0.0.1:9092").options
    {'bootstrap_servers': '127.0.0.1:9092'}
    """

    addresses: str
    tls: ssl.SSLContext | None = None
    login: Login | None = None

    def __str__(self) -> str:
        return self.addresses

    @property
    def way(self) -> str:
        """How one speaks with them, and as whom, for people."""
        if self.login is not None:
            return f"over SASL_SSL as {self.login.user}"
        return "in the clear" if self.tls is None else "over TLS"

    @property
    def options(self) -> dict[str, Any]:
        """The options of any client of kafka-python or aiokafka: their names are the same."""
        options: dict[str, Any] = {"bootstrap_servers": self.addresses}
        if self.tls is not None:
            options |= {
                "security_protocol": "SASL_SSL" if self.login else "SSL",
                "ssl_context": self.tls,
            }
        if self.login is not None:
            options |= {
                "sasl_mechanism": self.login.mechanism,
                "sasl_plain_username": self.login.user,
                "sasl_plain_password": self.login.password,
            }
        return options


def brokers_of(settings: Settings) -> Brokers:
    """Read how Kafka is reached.

    Raises:
        UsageError: settings contradict each other; every problem is listed.
        DependencyUnavailable: a certificate, key or password file cannot be used.
    """
    if problems := _contradictions(settings):
        raise UsageError(
            "Kafka cannot be reached so:\n" + "\n".join(f"  - {text}" for text in problems)
        )
    if settings.kafka_security == "PLAINTEXT":
        return Brokers(settings.broker)
    tls = client_context(settings.kafka_ca, settings.kafka_cert, settings.kafka_key)
    return Brokers(settings.broker, tls, _login(settings))


def _login(settings: Settings) -> Login | None:
    password = read_secret(settings.kafka_password_file, "password")
    if settings.kafka_user is None or password is None:
        return None
    if not password:
        raise DependencyUnavailable(f"the password file {settings.kafka_password_file} is empty")
    return Login(settings.kafka_mechanism, settings.kafka_user, password)


def _contradictions(settings: Settings) -> list[str]:
    asked = settings.kafka_security
    certificates = {"kafka_ca", "kafka_cert", "kafka_key"}
    names = {"kafka_user", "kafka_password_file"}
    given = {name for name in certificates | names if getattr(settings, name) is not None}
    found = []
    if (
        unused := given
        - {"PLAINTEXT": set(), "SSL": certificates, "SASL_SSL": certificates | names}[asked]
    ):
        found.append(
            f"{', '.join(sorted(unused))} would not be used with kafka_security {asked}: change it, or leave them out"
        )
    if len(given & {"kafka_cert", "kafka_key"}) == 1:
        found.append("kafka_cert and kafka_key belong together: give both, or neither")
    if asked == "SASL_SSL" and (lacking := names - given):
        found.append(f"kafka_security SASL_SSL needs {' and '.join(sorted(lacking))} too")
    return found


#: The cluster id by which the embedded broker is known from any other.
EMBEDDED_CLUSTER = "misfire-embedded"
