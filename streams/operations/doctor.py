"""What is wrong with an installation, part by part, and what to do about it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from detector.contracts.errors import MisfireError
from streams.errors import DependencyUnavailable
from streams.files.bundles import read_bundle
from streams.kafka.connection import brokers_of
from streams.kafka.retention import overdue
from streams.kafka.topic_ids import look_up
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES, admin, check_topics
from streams.operations.findings import Finding, Way, asked
from streams.operations.household_partitions import standing
from streams.operations.log_time_check import log_time
from streams.operations.monitoring_checks import alert_path, alerts, scrape
from streams.operations.unclassified_intents import unclassified_lately
from streams.serving.access.listening import bearer_of, client_context
from streams.settings import Settings

__all__ = ["examine"]

#: Unclassified intents that are listed by name.
_MOST_INTENTS = 10


@dataclass(frozen=True, slots=True)
class _Process:
    """A worker or a gateway: where it is, whether it answers, what it waits for, which bundles it has, and whether it lacks a key."""

    part: str
    url: str
    answers: bool
    missing: str
    bundles: frozenset[str]
    keyless: bool = False


def examine(settings: Settings, *, page: bool = False) -> Iterator[Finding]:
    """Look at each part of an installation.

    Args:
        settings: where the parts are.
        page: whether to send a page, to see that it arrives.

    Raises:
        DependencyUnavailable: no broker answers; nothing else can be well then.
    """
    brokers = brokers_of(settings)
    client = admin(brokers)
    yield Finding("broker", True, f"answers at {brokers} {brokers.way}")
    problems = check_topics(client, settings.partitions, producer_time=settings.producer_time)
    stamps = log_time(brokers, producer_time=settings.producer_time)
    late = overdue(brokers, client, time.time())
    topics = look_up(client, (INTENTS, OUTCOMES, HOUSEHOLDS))
    client.close()
    yield Finding("topics", not problems, "; ".join(problems) or "every topic is as it should be")
    yield stamps
    yield Finding(
        "retention", not late, "; ".join(late) or "no record is older than its topic keeps it"
    )
    if HOUSEHOLDS in topics.partitions:
        yield standing(brokers, topics)
    yield _bundle(settings)
    yield _classified(settings, unclassified_lately(brokers))
    workers = _processes("worker", settings.worker_host, settings.worker_port)
    gateways = _processes("gateway", settings.gateway_host, settings.gateway_port, _way(settings))
    for process in (*workers, *gateways):
        yield _condition(process)
    yield _agreement([*workers, *gateways])
    yield scrape(settings.prometheus)
    yield alerts(settings.prometheus)
    yield alert_path(settings.prometheus, settings.alertmanager, page=page)


def _bundle(settings: Settings) -> Finding:
    try:
        return Finding(
            "bundle", True, f"version {read_bundle(settings.bundle).version} in {settings.bundle}"
        )
    except (DependencyUnavailable, MisfireError) as error:
        return Finding("bundle", False, str(error))


def _classified(settings: Settings, lately: Mapping[str, int]) -> Finding:
    """Whether the policy names every intent that was decided on of late, and every one that the bundle was trained on."""
    part = "intents"
    with suppress(DependencyUnavailable, MisfireError):
        lately = {**dict.fromkeys(read_bundle(settings.bundle).unclassified, 0), **lately}
    if not lately:
        return Finding(part, True, "the policy names every intent that was used of late")
    most = sorted(lately, key=lambda intent: (-lately[intent], intent))
    told = ", ".join(f"{intent} ({lately[intent]} times)" for intent in most[:_MOST_INTENTS])
    more = f" and {len(most) - _MOST_INTENTS} more" if len(most) > _MOST_INTENTS else ""
    what = f"no rule of the policy names {told}{more}; each is asked about until one does; name it under [[intents]], and train again"
    return Finding(part, False, what)


def _way(settings: Settings) -> Way | None:
    """How the gateway is asked: over TLS where it has a certificate, or where one of its signers is named here."""
    token, context = bearer_of(settings), client_context(settings)
    if context is None and settings.gateway_cert is None:
        return Way(token=token) if token else None
    return Way(tls=context or True, name=settings.gateway_host, token=token)


def _processes(part: str, host: str, port: int, way: Way | None = None) -> list[_Process]:
    """Each process that the host's name stands for: where several run, it has as many addresses."""
    scheme = "https" if way and way.name else "http"
    # What listens on every address is asked by one that is its own.
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - nothing listens here
    try:
        found = socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError:
        return [
            _Process(
                part, f"{scheme}://{host}:{port}", answers=False, missing="", bundles=frozenset()
            )
        ]
    return [
        _process(part, f"{scheme}://{ip}:{port}", way)
        for ip in sorted({str(address[0]) for *_, address in found})
    ]


def _process(part: str, url: str, way: Way | None) -> _Process:
    ready = asked(f"{url}/readyz", way)
    if ready is None:
        return _Process(part, url, answers=False, missing="", bundles=frozenset())
    missing = ""
    if ready.status_code != httpx.codes.OK:
        missing = ", ".join(ready.json().get("missing", [])) or "its partitions or its table"
    metrics = asked(f"{url}/metrics", way)
    if metrics is not None and metrics.status_code in (401, 403):
        missing = "a token that may operate; name its file in hook_token_file"
    samples = [
        sample
        for family in text_string_to_metric_families(
            metrics.text if metrics is not None and metrics.is_success else ""
        )
        for sample in family.samples
    ]
    bundles = frozenset(
        each.labels["version"] for each in samples if each.name == "misfire_bundle_info"
    )
    keyless = any(each.name == "misfire_proof_key_present" and each.value == 0 for each in samples)
    return _Process(part, url, True, missing, bundles, keyless=keyless)


def _condition(process: _Process) -> Finding:
    part, url = process.part, process.url
    if not process.answers:
        what = f"nothing answers at {url}; start it with 'misfire {part}', or set {part}_host and {part}_port"
        return Finding(part, False, what)
    if process.missing:
        what = f"answers at {url} but is not ready: it waits for {process.missing}; look at its log"
        return Finding(part, False, what)
    if process.keyless:
        what = (
            f"ready at {url}, without a key for proofs: no PIN and no push confirms, and what takes one is blocked; "
            "set confirmation_key_file"
        )
        return Finding(part, False, what)
    return Finding(part, True, f"ready at {url}")


def _agreement(processes: Sequence[_Process]) -> Finding:
    """Whether all that answer decide with the same bundle."""
    part = "agreement"
    answering = [process for process in processes if process.answers]
    without = [process.url for process in answering if not process.bundles]
    versions = sorted({version for process in answering for version in process.bundles})
    if without:
        what = f"no bundle decides at {', '.join(without)}; give it the bundle of the others and start it again"
        return Finding(part, False, what)
    if len(versions) > 1:
        what = f"different bundles decide: {', '.join(versions)}; start those with the older one again with the newer one"
        return Finding(part, False, what)
    return Finding(
        part, True, f"bundle {versions[0]} decides everywhere" if versions else "nobody to compare"
    )
