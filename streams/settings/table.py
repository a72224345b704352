"""The settings: read from a TOML file and ``MISFIRE_…`` environment variables, and validated."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from streams.errors import DependencyUnavailable, UsageError
from streams.files.text import read_text, unmarked
from streams.wire.callback_addresses import allowed_callbacks
from streams.wire.host_names import named_hosts

__all__ = ["DEFAULT_FILE", "Loaded", "Settings", "load", "read_key", "read_secret"]

DEFAULT_FILE = Path("misfire.toml")
_PREFIX = "MISFIRE_"
#: Bytes: 128 bits, the minimum that resists guessing.
_SHORTEST_KEY = 16

#: Settings of earlier versions and their replacements, for the error message.
_REPLACED = {
    "callback_hosts": (
        "was replaced by callback_urls, which lists full URLs for each tenant, such as"
        " acme=https://runtime.acme.example:8443/late; loopback addresses must be listed, too"
    )
}


def _checked_callbacks(listed: str) -> str:
    allowed_callbacks(listed)
    return listed


def _checked_hosts(listed: str) -> str:
    named_hosts(listed)
    return listed


Port = Annotated[int, Field(ge=0, le=65_535)]
Host = Annotated[str, Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+$")]


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
    policy: Path | None = Field(None, description="policy file; default: the packaged policy")
    group: str = Field("misfire-worker", min_length=1, description="consumer group of the workers")
    session_timeout: float = Field(
        6.0, ge=1.0, le=300.0, description="seconds after which a silent worker is considered dead"
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


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and the source of each: ``default``, a file name, or a variable name."""

    settings: Settings
    sources: Mapping[str, str]


def load(
    file: Path | None = None, environment: Mapping[str, str] | None = None, **given: Any
) -> Loaded:
    """Read the settings, in order of precedence: command line, environment, file, default.

    Args:
        file: the TOML file; defaults to ``$MISFIRE_CONFIG``, or ``misfire.toml`` if it exists.
        environment: the environment variables; defaults to those of the process.
        given: settings from the command line; ``None`` means not given.

    Raises:
        UsageError: settings are invalid; the message lists every problem.
        DependencyUnavailable: the named file does not exist.
    """
    variables = os.environ if environment is None else environment
    variable = variables.get(f"{_PREFIX}CONFIG", "").strip()
    named = file or (Path(variable) if variable else None)
    values: dict[str, Any] = {}
    sources = dict.fromkeys(Settings.model_fields, "default")
    layers = [(_from_file(named), str(named or DEFAULT_FILE)), *_from_environment(variables)]
    layers += [
        ({name: value}, "command line") for name, value in given.items() if value is not None
    ]
    for values_given, source in layers:
        layer = {name: value for name, value in values_given.items() if not _unset(name, value)}
        values |= layer
        sources |= dict.fromkeys(layer, source)
    try:
        return Loaded(Settings.model_validate(values), sources)
    except ValidationError as error:
        raise UsageError("the configuration is invalid:\n" + _problems(error, sources)) from None


def read_key(file: Path | None) -> bytes | None:
    """Read a key from a file and strip white space; return ``None`` if no file is given.

    Raises:
        DependencyUnavailable: the file cannot be read, or the key has fewer than 16 bytes.
    """
    found = read_secret(file, "key")
    key = None if found is None else found.encode("utf-8", "surrogateescape")
    if key is not None and len(key) < _SHORTEST_KEY:
        raise DependencyUnavailable(
            f"the key in {file} has {len(key)} bytes; a key needs at least {_SHORTEST_KEY}"
        )
    return key


def read_secret(file: Path | None, what: str) -> str | None:
    """Read a secret from a file and strip white space; return ``None`` if no file is given.

    Raises:
        DependencyUnavailable: the file cannot be read.
    """
    if file is None:
        return None
    try:
        return unmarked(file.read_bytes()).strip().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise DependencyUnavailable(
            f"the {what} file {file} cannot be read ({error.strerror});"
            " create it, or remove the setting"
        ) from error


def _from_file(named: Path | None) -> dict[str, Any]:
    path = named or DEFAULT_FILE
    if named is None and not path.is_file():
        return {}
    try:
        return tomllib.loads(read_text(path, "configuration file"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the configuration file {path} is not TOML: {error}") from None


def _unset(name: str, value: Any) -> bool:
    """Return whether an optional setting is empty, as in ``MISFIRE_ACCESS_FILE=``."""
    field = Settings.model_fields.get(name)
    return (
        isinstance(value, str)
        and not value.strip()
        and field is not None
        and field.default in (None, "")
    )


def _from_environment(variables: Mapping[str, str]) -> list[tuple[dict[str, Any], str]]:
    """Return each variable as a layer. Other ``MISFIRE_…`` variables belong to other tools."""
    found = []
    for name in (*Settings.model_fields, *_REPLACED):
        variable = f"{_PREFIX}{name.upper()}"
        if variable in variables:
            found.append(({name: variables[variable]}, variable))
    return found


def _problems(error: ValidationError, sources: Mapping[str, str]) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(map(str, problem["loc"]))
        known = name in Settings.model_fields
        unknown = _REPLACED.get(name, "is not a setting; 'misfire config show' lists them")
        text = problem["msg"] if known else unknown
        lines.append(f"  - {name} ({sources.get(name, 'the file')}): {text}")
    return "\n".join(lines)
