"""Apache Kafka with TLS, SCRAM, client certificates and ACLs, and credentials for each part."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from streams.kafka.acls import Part, acl_commands
from streams.kafka.connection import Brokers, brokers_of
from streams.kafka.topics import admin
from streams.settings import Settings
from tests.integration.kafka import FILES, ApacheKafka, kafka_acls

ADMIN = "admin"
#: Can authenticate but has no rights.
STRANGER = "stranger"
#: The parts that authenticate with a certificate; the others have passwords.
BY_CERTIFICATE = frozenset({Part.GATEWAY, Part.RUNTIME})
GROUP = Settings().group


@dataclass(frozen=True)
class Secured:
    """A broker on which each part has its rights and other users have none."""

    kafka: ApacheKafka
    folder: Path

    def variables(self, who: str) -> dict[str, str]:
        """Return the environment variables with which ``who`` authenticates."""
        given: dict[str, object] = {"KAFKA_CA": self.folder / "ca.pem"}
        if who in BY_CERTIFICATE:
            own = self.folder / f"{who}.pem"
            given |= {
                "BROKER": self.kafka.inside,
                "KAFKA_SECURITY": "SSL",
                "KAFKA_CERT": own,
                "KAFKA_KEY": own,
            }
        else:
            given |= {
                "BROKER": self.kafka.bootstrap,
                "KAFKA_SECURITY": "SASL_SSL",
                "KAFKA_USER": who,
            }
            given |= {"KAFKA_PASSWORD_FILE": self.folder / f"{who}.password"}
        return {f"MISFIRE_{name}": str(value) for name, value in given.items()}

    def brokers(self, who: str) -> Brokers:
        """Return the connection with which ``who`` authenticates in this process."""
        given = {
            name.removeprefix("MISFIRE_").lower(): value
            for name, value in self.variables(who).items()
        }
        return brokers_of(Settings.model_validate(given))

    def grant(self, part: Part, *, only: str = "") -> None:
        """Grant what the commands of ``misfire topics acl`` grant, or only one operation's.

        One request takes milliseconds; ``kafka-acls`` starts a JVM for each command.
        """
        client = admin(self.brokers(ADMIN))
        client.create_acls(self.acls(part, only))
        client.close()

    def revoke(self, part: Part, *, only: str = "") -> None:
        """Undo ``grant``."""
        client = admin(self.brokers(ADMIN))
        client.delete_acls(self.acls(part, only))
        client.close()

    def acls(self, part: Part, only: str = "") -> list[ACL]:
        """Return the rights that the commands of ``misfire topics acl`` grant."""
        return [acl for words in self._commands(part, only) for acl in _acls(words)]

    def granted(self, part: Part) -> list[ACL]:
        """Return the rights that a part has."""
        anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
        client = admin(self.brokers(ADMIN))
        found, _ = client.describe_acls(
            ACLFilter(f"User:{part}", None, ACLOperation.ANY, ACLPermissionType.ANY, anything)
        )
        client.close()
        return list(found)

    def run_kafka_acls(self, part: Part, *, only: str, remove: bool) -> None:
        """Run the commands of ``misfire topics acl`` for one operation."""
        for words in self._commands(part, only, remove=remove):
            kafka_acls(words)

    def _commands(self, part: Part, only: str, *, remove: bool = False) -> Iterator[list[str]]:
        for command in acl_commands(
            part,
            f"User:{part}",
            brokers=self.kafka.bootstrap,
            group=GROUP,
            command_config=str(self.folder / "admin.properties"),
            remove=remove,
        ):
            words = shlex.split(command)[1:]
            if not only or _values(words, "--operation") == [only]:
                yield words


def _acls(words: Sequence[str]) -> Iterator[ACL]:
    """Yield what one ``kafka-acls`` command grants."""
    (principal,) = _values(words, "--allow-principal")
    kinds = {"--topic": ResourceType.TOPIC, "--group": ResourceType.GROUP}
    for option, kind in kinds.items():
        for name, operation in product(_values(words, option), _values(words, "--operation")):
            # Kafka writes DescribeConfigs, the client DESCRIBE_CONFIGS.
            allowed = ACLOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()]
            resource = ResourcePattern(kind, name)
            yield ACL(principal, "*", allowed, ACLPermissionType.ALLOW, resource)


def _values(words: Sequence[str], option: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == option]


@contextmanager
def secured(folder: Path) -> Iterator[Secured]:
    """Start the broker without topics or rights."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    _write(folder / "broker.pem", ca.issue_cert("127.0.0.1", common_name="broker"))
    for part in BY_CERTIFICATE:
        _write(folder / f"{part}.pem", ca.issue_cert(f"{part}@misfire.example", common_name=part))
    passwords = {
        who: secrets.token_hex(16) for who in (ADMIN, STRANGER, *(set(Part) - BY_CERTIFICATE))
    }
    for who, password in passwords.items():
        (folder / f"{who}.password").write_text(password + "\n")
    login = f'ScramLoginModule required username="{ADMIN}" password="{passwords[ADMIN]}";'
    (folder / "admin.properties").write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n"
        f"ssl.truststore.location={folder / 'ca.pem'}\n"
        f"sasl.jaas.config=org.apache.kafka.common.security.scram.{login}\n"
    )

    def as_admin(address: str) -> Brokers:
        return brokers_of(
            Settings(
                broker=address,
                kafka_security="SASL_SSL",
                kafka_ca=folder / "ca.pem",
                kafka_user=ADMIN,
                kafka_password_file=folder / f"{ADMIN}.password",
            )
        )

    properties = (FILES / "secure.properties").read_text()
    with ApacheKafka(
        properties, filled={"certificates": folder}, passwords=passwords, client=as_admin
    ) as kafka:
        yield Secured(kafka, folder)


def _write(file: Path, certificate: trustme.LeafCert) -> None:
    """Write a certificate with its key in PKCS 8, the only format that Kafka reads."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem + b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
