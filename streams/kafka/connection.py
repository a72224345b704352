"""Connection options for Kafka: broker addresses, TLS and authentication."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, ClassVar

from streams.errors import DependencyUnavailable, UsageError
from streams.files.certificates import client_context
from streams.settings import Settings, read_secret

__all__ = ["EMBEDDED_CLUSTER", "Brokers", "Login", "brokers_of"]


@dataclass(frozen=True, slots=True)
class Login:
    """SASL credentials and mechanism. The password does not appear in ``repr``."""

    mechanism: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Brokers:
    """Addresses of the brokers and how to connect to them. ``str()`` gives the addresses.

    >>> Brokers("127.0.0.1:9092").options
    {'bootstrap_servers': '127.0.0.1:9092'}
    """

    #: Milliseconds for which a command looks for a broker. A person waits for it.
    patience_ms: ClassVar[int] = 4_000

    addresses: str
    tls: ssl.SSLContext | None = None
    login: Login | None = None

    def __str__(self) -> str:
        return self.addresses

    @property
    def protocol(self) -> str:
        """Protocol and user, for log lines and messages."""
        if self.login is not None:
            return f"over SASL_SSL as {self.login.user}"
        return "in plaintext" if self.tls is None else "over TLS"

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments that the clients of kafka-python and aiokafka share."""
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
    """Return the brokers that the settings name.

    Raises:
        UsageError: settings contradict each other; the message lists every problem.
        DependencyUnavailable: a certificate, key or password file cannot be used.
    """
    if problems := _contradictions(settings):
        raise UsageError(
            "the settings of Kafka contradict each other:\n"
            + "\n".join(f"  - {text}" for text in problems)
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
    security = settings.kafka_security
    certificates = {"kafka_ca", "kafka_cert", "kafka_key"}
    names = {"kafka_user", "kafka_password_file"}
    given = {name for name in certificates | names if getattr(settings, name) is not None}
    found = []
    if (
        unused := given
        - {"PLAINTEXT": set(), "SSL": certificates, "SASL_SSL": certificates | names}[security]
    ):
        found.append(
            f"{', '.join(sorted(unused))} would not be used with kafka_security {security};"
            " change it or remove them"
        )
    if len(given & {"kafka_cert", "kafka_key"}) == 1:
        found.append("kafka_cert and kafka_key belong together; set both or neither")
    if security == "SASL_SSL" and (lacking := names - given):
        found.append(f"kafka_security SASL_SSL needs {' and '.join(sorted(lacking))} too")
    return found


#: Cluster id of the embedded broker.
EMBEDDED_CLUSTER = "misfire-embedded"
