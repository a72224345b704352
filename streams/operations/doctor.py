"""``misfire doctor``: checks each part of an installation and says how to fix what is wrong."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from prometheus_client.parser import text_string_to_metric_families

from detector.contracts.errors import MisfireError
from detector.contracts.rules import Rule
from streams.errors import DependencyUnavailable
from streams.files.enforcing import why_unready
from streams.files.signing import read_public_key
from streams.files.starter import STARTER, deciding_directory, read_deciding
from streams.kafka.connection import brokers_of
from streams.kafka.retention import overdue
from streams.kafka.topic_ids import look_up
from streams.kafka.topics import HOUSEHOLDS, INTENTS, LABELS, OUTCOMES, admin, check_topics
from streams.lifecycle.rule_log import rules_at_start
from streams.operations.announced_bundles import announced
from streams.operations.findings import ClientOptions, Finding, fetch
from streams.operations.household_partitions import check_states
from streams.operations.labels_check import check_labels
from streams.operations.log_time_check import log_time
from streams.operations.monitoring_checks import alert_path, alerts, scrape
from streams.operations.retraining import EvidenceCounts, evidence_counts, retraining
from streams.operations.rules_check import check_rules, known_to
from streams.operations.unclassified_intents import RecentIntents, recent_intents
from streams.serving.access.listening import bearer_of, client_context
from streams.settings import Settings

__all__ = ["examine"]

#: How many unclassified intents a finding names.
_MAX_NAMED_INTENTS = 10


@dataclass(frozen=True, slots=True)
class _Process:
    """The state of one worker or gateway process.

    ``missing`` names what the process is waiting for, and is empty when it is ready. ``keyless``
    means that it has no key for checking proofs of confirmations. ``evidence`` has the counts of a
    worker by bundle, term and bin, and ``rules`` how many rules it knows.
    """

    part: str
    url: str
    answers: bool
    missing: str
    bundles: frozenset[str]
    keyless: bool = False
    evidence: EvidenceCounts = field(default_factory=Counter)
    rules: int | None = None


def examine(settings: Settings, *, page: bool = False) -> Iterator[Finding]:
    """Check each part of an installation.

    Args:
        settings: where the parts are.
        page: whether to send a test page and check that it arrives.

    Raises:
        DependencyUnavailable: no broker answers; the other checks need one.
    """
    brokers = brokers_of(settings)
    client = admin(brokers)
    yield Finding("broker", True, f"reachable at {brokers} {brokers.protocol}")
    problems = check_topics(client, settings.partitions, producer_time=settings.producer_time)
    stamps = log_time(brokers, producer_time=settings.producer_time)
    late = overdue(brokers, client, time.time())
    topics = look_up(client, (INTENTS, OUTCOMES, HOUSEHOLDS, LABELS))
    client.close()
    yield Finding("topics", not problems, "; ".join(problems) or "every topic is set up correctly")
    yield stamps
    yield Finding(
        "retention", not late, "; ".join(late) or "no record has outlived its topic's retention"
    )
    if HOUSEHOLDS in topics.partitions:
        yield check_states(brokers, topics)
    yield check_labels(brokers, topics.partitions, time.time())
    yield from _bundle(settings)
    recent = recent_intents(brokers)
    rules = rules_at_start(brokers)
    known = {} if rules is None else rules.rules
    yield _classified(settings, _not_in(recent.unclassified, known.values()))
    workers = _processes("worker", settings.worker_host, settings.worker_port)
    gateways = _processes(
        "gateway", settings.gateway_host, settings.gateway_port, _gateway_client(settings)
    )
    for process in (*workers, *gateways):
        yield _condition(process)
    yield _agreement([*workers, *gateways])
    counts = {each.url: each.rules for each in workers if each.answers and not each.missing}
    yield check_rules(None if rules is None else known, counts, datetime.now(UTC))
    yield from _retraining(settings, recent, workers)
    yield from announced(brokers)
    yield scrape(settings.prometheus)
    yield alerts(settings.prometheus)
    yield alert_path(settings.prometheus, settings.alertmanager, page=page)


def _bundle(settings: Settings) -> Iterator[Finding]:
    """Check the bundle that decides: its files, its signature, its readiness, its calibration."""
    place = deciding_directory(settings.bundle)
    try:
        key = read_public_key(settings.bundle_public_key)
        bundle = read_deciding(settings.bundle, key=key)
    except (DependencyUnavailable, MisfireError) as error:
        yield Finding("bundle", False, str(error))
        return
    which = "the packaged starter bundle" if place == STARTER else str(place)
    signed = ", signed" if key else ""
    if bundle.is_unready:
        accepted = "allow_unready is set" if settings.allow_unready else "no process accepts it"
        text = (
            f"version {bundle.version} ({which}{signed}) is not ready to enforce: "
            f"{why_unready(bundle)}; {accepted}; use another bundle or train on more households"
        )
    else:
        text = f"version {bundle.version} ({which}{signed})"
    yield Finding("bundle", not bundle.is_unready, text)
    thin = bundle.report.thin
    yield Finding(
        "calibration",
        all(each.promised is not None for each in thin),
        "; ".join(map(str, thin)) or "every risk class has enough scores for its budget",
    )


def _classified(settings: Settings, recent: Mapping[str, int]) -> Finding:
    """Check that the policy names every intent in recent decisions and in the training stream."""
    part = "intents"
    with suppress(DependencyUnavailable, MisfireError):
        recent = {**dict.fromkeys(read_deciding(settings.bundle).unclassified, 0), **recent}
    if not recent:
        return Finding(part, True, "the policy names every recently used intent")
    names = sorted(recent, key=lambda intent: (-recent[intent], intent))
    listed = ", ".join(
        f"{intent} ({recent[intent]} times)" for intent in names[:_MAX_NAMED_INTENTS]
    )
    more = f" and {len(names) - _MAX_NAMED_INTENTS} more" if len(names) > _MAX_NAMED_INTENTS else ""
    text = (
        f"no rule of the policy names {listed}{more}; each of their commands needs a confirmation "
        "until a rule does; classify them with 'misfire rules add classify', or add them under "
        "[[intents]] and train again"
    )
    return Finding(part, False, text)


def _not_in(intents: Mapping[str, int], rules: Iterable[Rule]) -> dict[str, int]:
    """Return the intents that no rule classifies for every tenant."""
    classified = {each.intent for each in rules if each.risk_class and not each.tenant}
    return {name: count for name, count in intents.items() if name not in classified}


def _retraining(
    settings: Settings, recent: RecentIntents, workers: Sequence[_Process]
) -> Iterator[Finding]:
    """Compare the latest commands with the training data of the bundle, if it can be read."""
    evidence = sum((process.evidence for process in workers), EvidenceCounts())
    with suppress(DependencyUnavailable, MisfireError):
        bundle = read_deciding(settings.bundle)
        yield retraining(bundle, recent.commands, evidence, datetime.now(UTC))


def _gateway_client(settings: Settings) -> ClientOptions | None:
    """Return how to connect to the gateway: over TLS if a certificate or a CA is configured."""
    token, context = bearer_of(settings), client_context(settings)
    if context is None and settings.gateway_cert is None:
        return ClientOptions(token=token) if token else None
    return ClientOptions(tls=context, name=settings.gateway_host, token=token)


def _processes(
    part: str, host: str, port: int, options: ClientOptions | None = None
) -> list[_Process]:
    """Return every process behind a host name, which resolves to one address per process."""
    scheme = "https" if options and options.name else "http"
    # A wildcard address can be listened on but not connected to.
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
        _process(part, f"{scheme}://{ip}:{port}", options)
        for ip in sorted({str(address[0]) for *_, address in found})
    ]


def _process(part: str, url: str, options: ClientOptions | None) -> _Process:
    ready = fetch(f"{url}/readyz", options)
    if ready is None:
        return _Process(part, url, answers=False, missing="", bundles=frozenset())
    missing = ""
    if ready.status_code != httpx.codes.OK:
        missing = ", ".join(ready.json().get("missing", [])) or "its partitions or its table"
    metrics = fetch(f"{url}/metrics", options)
    if metrics is not None and metrics.status_code in (401, 403):
        missing = "a token with the scope operate; set hook_token_file to its file"
    samples = [
        sample
        for family in text_string_to_metric_families(
            metrics.text if metrics is not None and metrics.is_success else ""
        )
        for sample in family.samples
    ]
    bundles = frozenset(
        each.labels["version"]
        for each in samples
        if each.name == "misfire_bundle_info" and each.value == 1
    )
    keyless = any(each.name == "misfire_proof_key_present" and each.value == 0 for each in samples)
    evidence = evidence_counts(samples)
    return _Process(part, url, True, missing, bundles, keyless, evidence, known_to(samples))


def _condition(process: _Process) -> Finding:
    part, url = process.part, process.url
    if not process.answers:
        text = (
            f"nothing answers at {url}; start it with 'misfire {part}', "
            f"or set {part}_host and {part}_port"
        )
        return Finding(part, False, text)
    if process.missing:
        text = f"answers at {url} but is not ready: it waits for {process.missing}; check its log"
        return Finding(part, False, text)
    if process.keyless:
        text = (
            f"ready at {url}, without a key for proofs: PINs and phone pushes cannot confirm, and "
            "commands that require them are blocked; set confirmation_key_file"
        )
        return Finding(part, False, text)
    return Finding(part, True, f"ready at {url}")


def _agreement(processes: Sequence[_Process]) -> Finding:
    """Check that all running processes use the same bundle."""
    part = "agreement"
    answering = [process for process in processes if process.answers]
    without = [process.url for process in answering if not process.bundles]
    versions = sorted({version for process in answering for version in process.bundles})
    if without:
        text = f"no bundle is loaded at {', '.join(without)}; restart with the others' bundle"
        return Finding(part, False, text)
    if len(versions) > 1:
        text = (
            f"processes use different bundles: {', '.join(versions)}; "
            "restart those that use the older one with the newer one"
        )
        return Finding(part, False, text)
    return Finding(
        part,
        True,
        f"every process uses bundle {versions[0]}" if versions else "no process to compare",
    )
