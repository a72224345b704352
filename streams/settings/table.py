"""Every setting, with its default, its limits and what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from streams.wire.addresses import HTTP, has_form
from streams.wire.callback_addresses import allowed_callbacks
from streams.wire.host_names import named_hosts

__all__ = ["Settings"]


def _checked_callbacks(listed: str) -> str:
    allowed_callbacks(listed)
    return listed


def _checked_url(url: str) -> str:
    if not has_form(url, HTTP):
        raise ValueError(f"write it as {' or '.join(HTTP)}")
    return url


def _checked_hosts(listed: str) -> str:
    named_hosts(listed)
    return listed


Port = Annotated[int, Field(ge=0, le=65_535)]
Host = Annotated[str, Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+$"), AfterValidator(_checked_url)]


class Settings(BaseModel):
    """All settings. ``broker`` in the TOML file is ``MISFIRE_BROKER`` in the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    broker: str = Field(
        "127.0.0.1:9092",
        pattern=r"^[^\s:,]+:\d+(,[^\s:,]+:\d+)*$",
        description="Kafka brokers, HOST:PORT[,HOST:PORT…]",
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description=(
            "Kafka's security.protocol: PLAINTEXT, SSL (with kafka_cert: mTLS) or SASL_SSL"
            " (TLS and a password)"
        ),
    )
    kafka_ca: Path | None = Field(
        None, description="CA certificates for the brokers, PEM; default: the system's"
    )
    kafka_cert: Path | None = Field(
        None, description="client certificate for the brokers, PEM (mTLS)"
    )
    kafka_key: Path | None = Field(None, description="private key of kafka_cert, PEM")
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512",
        description="SASL mechanism: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN",
    )
    kafka_user: str | None = Field(None, min_length=1, description="user name for SASL_SSL")
    kafka_password_file: Path | None = Field(
        None, description="file with the password of kafka_user"
    )
    partitions: int = Field(
        8, ge=1, le=1024, description="partitions of each topic keyed by household"
    )
    replication: int = Field(
        1, ge=1, le=16, description="copies of each partition; 3 in production"
    )
    bundle: Path | None = Field(
        None,
        description=(
            "directory of the bundle that decides; default: ./bundle if it exists, else the"
            " packaged starter bundle"
        ),
    )
    shadow_bundle: Path | None = Field(
        None,
        description="directory of a second bundle whose decisions are only compared",
    )
    allow_unready: bool = Field(
        False,
        description=(
            "let a bundle decide that is not ready to enforce: on simulated misfires, its decisions"
            " cost more than a rule without a model"
        ),
    )
    bundle_public_key: Path | None = Field(
        None,
        description=(
            "public ed25519 key, PEM; bundles that were not signed with it ('misfire bundle sign')"
            " are refused"
        ),
    )
    golden_chains: Path | None = Field(
        None,
        description=(
            "directory with chains.jsonl and labels.jsonl: commands that a bundle must decide at"
            " least as well as the active one before it is promoted"
        ),
    )
    policy: Path | None = Field(None, description="policy file; default: the packaged policy")
    group: str = Field("misfire-worker", min_length=1, description="consumer group of the workers")
    session_timeout: float = Field(
        6.0,
        ge=1.0,
        le=300.0,
        description=(
            "seconds after which a silent worker is considered dead; below 6, the brokers need a"
            " lower group.min.session.timeout.ms"
        ),
    )
    fetch_max_wait: float = Field(
        0.5,
        gt=0.0,
        le=5.0,
        description="seconds a fetch waits for data; 0.01 for the embedded broker",
    )
    confirmation_key_file: Path | None = Field(
        None,
        description=(
            "file with the key of confirmation proofs; without it, PIN and push cannot confirm, and"
            " commands that need one of them are blocked"
        ),
    )
    worker_host: Host = Field(
        "127.0.0.1", description="address of the worker's /metrics, /healthz and /readyz"
    )
    worker_port: Port = Field(8751, description="port for worker_host; 0 means a free one")
    gateway_host: Host = Field("127.0.0.1", description="address of the gateway")
    gateway_port: Port = Field(8750, description="port of the gateway; 0 means a free one")
    deadline_ms: int = Field(
        150,
        ge=1,
        le=10_000,
        description="the gateway's deadline in milliseconds, if a request has none",
    )
    producer_time: bool = Field(
        False,
        description="trust record times set by producers; for replays, on separate topics",
    )
    token_ids: bool = Field(
        False,
        description="reject events whose household, device or speaker ids are not keyed tokens",
    )
    access_file: Path | None = Field(
        None,
        description=(
            "file with the access tokens of the gateway and the operator API ('misfire token');"
            " without it, the gateway requires none"
        ),
    )
    gateway_cert: Path | None = Field(
        None,
        description="certificate of the gateway and the operator API, PEM; enables TLS",
    )
    gateway_key: Path | None = Field(None, description="private key of gateway_cert, PEM")
    gateway_client_ca: Path | None = Field(
        None,
        description="CA certificates for clients, PEM; requires client certificates (mTLS)",
    )
    trust_network: bool = Field(
        False,
        description="listen beyond loopback without TLS and tokens, on a private network",
    )
    hook_token_file: Path | None = Field(
        None,
        description=(
            "file with the access token for 'misfire decide' (scope decide) and 'misfire doctor'"
            " (scope operate)"
        ),
    )
    hook_ca: Path | None = Field(
        None, description="CA certificates for the gateway, PEM, for the same commands"
    )
    hook_cert: Path | None = Field(
        None, description="client certificate for the gateway, PEM, for the same commands"
    )
    hook_key: Path | None = Field(None, description="private key of hook_cert, PEM")
    operator_host: Host = Field("127.0.0.1", description="address of the operator API")
    operator_port: Port = Field(8752, description="port for operator_host; 0 means a free one")
    max_waiting: int = Field(
        512,
        ge=1,
        le=100_000,
        description=(
            "requests that may wait for a worker at once; above half of it, requests of the mildest"
            " risk classes are shed first"
        ),
    )
    callback_urls: Annotated[str, AfterValidator(_checked_callbacks)] = Field(
        "",
        description=(
            "URLs that late answers may be sent to, and the paths below them,"
            " [TENANT=]URL[,[TENANT=]URL…]"
        ),
    )
    allowed_hosts: Annotated[str, AfterValidator(_checked_hosts)] = Field(
        "",
        description=(
            "names that the Host header of requests to any server of misfire may contain,"
            " besides the listening address and loopback, NAME[:PORT][,NAME[:PORT]…]"
        ),
    )
    operator_token_file: Path = Field(
        Path("operator.token"),
        description="file with the operator API's token without access_file; created if missing",
    )
    prometheus: Url | None = Field(
        None,
        description="URL of Prometheus for 'misfire doctor', such as http://127.0.0.1:9090",
    )
    alertmanager: Url | None = Field(None, description="URL of Alertmanager for 'misfire doctor'")
    otlp_endpoint: Url | None = Field(
        None,
        description=(
            "URL of an OTLP/HTTP trace collector, such as http://127.0.0.1:4318; without it,"
            " tracing is off"
        ),
    )
    reply_partition: int | None = Field(
        None,
        ge=0,
        description="partition of assistant.replies that this gateway reads; default: a random one",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        """Reject values that pydantic would coerce: ``true`` to 1, and an empty path to ``.``."""
        if (
            isinstance(value, bool)
            and cls.model_fields[str(info.field_name)].annotation is not bool
        ):
            raise ValueError("is true or false; see 'misfire config show' for its type")
        if (
            isinstance(value, str)
            and not value.strip()
            and value != cls.model_fields[str(info.field_name)].default
        ):
            raise ValueError("is empty; give a value, or leave it out")
        return value
