"""Configuration: one TOML file and ``MISFIRE_…`` environment variables, checked as a whole before anything starts."""

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
#: 128 bits, the least that nobody tries out.
_SHORTEST_KEY = 16

#: Settings of earlier versions, and what replaced them: left in a file they must not be taken for something that still holds.
_REPLACED = {
    "callback_hosts": (
        "was replaced by callback_urls, which lists whole addresses for each tenant, such as"
        " acme=https://runtime.acme.example:8443/late; loopback has to be listed too"
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
    """Every setting. The name in the TOML file is the field's; the environment variable is ``MISFIRE_`` and the name in capitals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    broker: str = Field(
        "127.0.0.1:9092",
        pattern=r"^[^\s:,]+:\d+(,[^\s:,]+:\d+)*$",
        description="Kafka brokers, HOST:PORT[,HOST:PORT…]",
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description="Kafka's security.protocol: PLAINTEXT, SSL (with kafka_cert: mTLS) or SASL_SSL (TLS and a password)",
    )
    kafka_ca: Path | None = Field(
        None, description="certificates that sign the brokers', PEM; left out, the system's list"
    )
    kafka_cert: Path | None = Field(
        None, description="our own certificate, PEM, where brokers ask for one (mTLS)"
    )
    kafka_key: Path | None = Field(None, description="the key of that certificate, PEM")
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512",
        description="how the password is shown: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN",
    )
    kafka_user: str | None = Field(None, min_length=1, description="who one is, with SASL_SSL")
    kafka_password_file: Path | None = Field(None, description="file with that user's password")
    partitions: int = Field(
        8, ge=1, le=1024, description="partitions of each topic that is keyed by household"
    )
    replication: int = Field(
        1, ge=1, le=16, description="copies of each partition; 3 in production"
    )
    bundle: Path = Field(Path("bundle"), description="directory of the bundle that decides")
    shadow_bundle: Path | None = Field(
        None,
        description="directory of a bundle that the worker decides with as well, without effect, to compare",
    )
    policy: Path | None = Field(
        None, description="policy file; the packaged one where it is left out"
    )
    group: str = Field("misfire-worker", min_length=1, description="consumer group of the workers")
    session_timeout: float = Field(
        6.0, ge=1.0, le=300.0, description="seconds until a silent worker counts as dead"
    )
    fetch_max_wait: float = Field(
        0.5,
        gt=0.0,
        le=5.0,
        description="seconds a fetch waits for data; 0.01 for the embedded broker",
    )
    confirmation_key_file: Path | None = Field(
        None,
        description="file with the key of confirmations' proofs; without it no PIN and no push confirms, and what takes one is blocked",
    )
    worker_host: Host = Field(
        "127.0.0.1", description="address of the worker's /metrics, /healthz and /readyz"
    )
    worker_port: Port = Field(8751, description="port of the same; 0 takes a free one")
    gateway_host: Host = Field("127.0.0.1", description="address of the hook")
    gateway_port: Port = Field(8750, description="port of the hook; 0 takes a free one")
    deadline_ms: int = Field(
        150,
        ge=1,
        le=10_000,
        description="milliseconds in which the hook answers when the asker names no deadline",
    )
    producer_time: bool = Field(
        False,
        description="believe the time that a producer wrote into a record: for replays of old streams, on topics of their own",
    )
    token_ids: bool = Field(
        False,
        description="refuse events whose household, device and speaker ids are not keyed tokens",
    )
    access_file: Path | None = Field(
        None,
        description="file with the tokens that the hook and the operator API take ('misfire token'); left out, it asks nobody",
    )
    gateway_cert: Path | None = Field(
        None,
        description="the certificate of the hook and of the operator API, PEM; with it TLS is spoken",
    )
    gateway_key: Path | None = Field(None, description="the key of that certificate, PEM")
    gateway_client_ca: Path | None = Field(
        None,
        description="certificates that sign clients' own, PEM; with it nobody comes in without one (mTLS)",
    )
    trust_network: bool = Field(
        False,
        description="listen beyond loopback without TLS and tokens: nobody else reaches that network",
    )
    hook_token_file: Path | None = Field(
        None,
        description="file with the token of 'misfire decide' (scope decide) and 'doctor' (scope operate)",
    )
    hook_ca: Path | None = Field(
        None, description="certificates that sign the hook's, PEM, for the same tools"
    )
    hook_cert: Path | None = Field(
        None, description="their own certificate, PEM, where the hook asks for one"
    )
    hook_key: Path | None = Field(None, description="the key of that certificate, PEM")
    operator_host: Host = Field("127.0.0.1", description="address of the operator API")
    operator_port: Port = Field(8752, description="port of the same; 0 takes a free one")
    max_waiting: int = Field(
        512,
        ge=1,
        le=100_000,
        description="questions that may wait for a worker at a time; the mildest risk classes give way from half of it on",
    )
    callback_urls: Annotated[str, AfterValidator(_checked_callbacks)] = Field(
        "",
        description="addresses that late answers may be sent to, and what lies below their paths, [TENANT=]URL[,[TENANT=]URL…]",
    )
    allowed_hosts: Annotated[str, AfterValidator(_checked_hosts)] = Field(
        "",
        description=(
            "names besides the listening address and loopback under which the gateway, the operator API and"
            " the worker's HTTP may be asked, NAME[:PORT][,NAME[:PORT]…]"
        ),
    )
    operator_token_file: Path = Field(
        Path("operator.token"),
        description="file with the operator API's token where there is no access_file; made at the first start",
    )
    prometheus: Url | None = Field(
        None,
        description="address of Prometheus, which 'misfire doctor' asks, such as http://127.0.0.1:9090",
    )
    alertmanager: Url | None = Field(None, description="address of Alertmanager, for the same")
    otlp_endpoint: Url | None = Field(
        None,
        description="address of a collector of traces by OTLP over HTTP, such as http://127.0.0.1:4318; none are made without one",
    )
    reply_partition: int | None = Field(
        None,
        ge=0,
        description="partition of assistant.replies this gateway reads; drawn at start where it is left out",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would take for something else: true for 1, and nothing for the folder that one is in."""
        if (
            isinstance(value, bool)
            and cls.model_fields[str(info.field_name)].annotation is not bool
        ):
            raise ValueError("is true or false; give what 'misfire config show' says")
        if (
            isinstance(value, str)
            and not value.strip()
            and value != cls.model_fields[str(info.field_name)].default
        ):
            raise ValueError("is empty; give a value, or leave it out")
        return value


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for each where it came from: ``default``, the file's name, or the variable's."""

    settings: Settings
    sources: Mapping[str, str]


def load(
    file: Path | None = None, environment: Mapping[str, str] | None = None, **given: Any
) -> Loaded:
    """Read the settings: given on the command line, else from the environment, else from the file, else the default.

    Args:
        file: the TOML file; ``None`` takes ``$MISFIRE_CONFIG``, or ``misfire.toml`` where there is one.
        environment: the variables; ``None`` takes the process's.
        given: settings from the command line; ``None`` is not given.

    Raises:
        UsageError: anything in it cannot be used; every problem is listed.
        DependencyUnavailable: the named file is not there.
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
    for said, source in layers:
        layer = {name: value for name, value in said.items() if not _unset(name, value)}
        values |= layer
        sources |= dict.fromkeys(layer, source)
    try:
        return Loaded(Settings.model_validate(values), sources)
    except ValidationError as error:
        raise UsageError(
            "the configuration cannot be used:\n" + _problems(error, sources)
        ) from None


def read_key(file: Path | None) -> bytes | None:
    """Read a key, without the white space around it; ``None`` where no file is named.

    Raises:
        DependencyUnavailable: the file cannot be read, or holds less than 16 bytes.
    """
    found = read_secret(file, "key")
    key = None if found is None else found.encode("utf-8", "surrogateescape")
    if key is not None and len(key) < _SHORTEST_KEY:
        raise DependencyUnavailable(
            f"the key file {file} holds {len(key)} bytes; a key has {_SHORTEST_KEY} or more"
        )
    return key


def read_secret(file: Path | None, what: str) -> str | None:
    """Read a secret, without the white space around it; ``None`` where no file is named.

    Raises:
        DependencyUnavailable: the file cannot be read.
    """
    if file is None:
        return None
    try:
        return unmarked(file.read_bytes()).strip().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise DependencyUnavailable(
            f"the {what} file {file} cannot be read ({error.strerror}); make it, or leave the setting out"
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
    """Whether a setting that may be left out is given as nothing, as ``MISFIRE_ACCESS_FILE=`` does: then it was not given."""
    field = Settings.model_fields.get(name)
    return (
        isinstance(value, str)
        and not value.strip()
        and field is not None
        and field.default in (None, "")
    )


def _from_environment(variables: Mapping[str, str]) -> list[tuple[dict[str, Any], str]]:
    """Each variable as a layer of its own. Others that begin with MISFIRE_ (MISFIRE_DATA …) belong to other tools."""
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
