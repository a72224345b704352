"""What is wrong with an installation, part by part, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from detector.errors import MisfireError
from streams.bundles import read_bundle
from streams.errors import MissingPart
from streams.settings import Settings
from streams.topics import admin, check_topics

__all__ = ["Finding", "examine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it is well, and one sentence."""

    part: str
    ok: bool
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at each part of an installation.

    Raises:
        MissingPart: no broker answers; nothing else can be well then.
    """
    client = admin(settings.broker)
    yield Finding("broker", True, f"answers at {settings.broker}")
    problems = check_topics(client, settings.partitions)
    client.close()
    yield Finding("topics", not problems, "; ".join(problems) or "every topic is as it should be")
    yield _bundle(settings)
    yield _part("worker", settings.worker_host, settings.worker_port)
    yield _part("gateway", settings.gateway_host, settings.gateway_port)


def _bundle(settings: Settings) -> Finding:
    try:
        return Finding("bundle", True, f"version {read_bundle(settings.bundle).version} in {settings.bundle}")
    except (MissingPart, MisfireError) as error:
        return Finding("bundle", False, str(error))


def _part(name: str, host: str, port: int) -> Finding:
    url = f"http://{host}:{port}"
    try:
        answer = httpx.get(f"{url}/readyz", timeout=2.0)
    except httpx.HTTPError:
        return Finding(
            name,
            False,
            f"nothing answers at {url}; start it with 'misfire {name}', or set {name}_host and {name}_port",
        )
    if answer.status_code == httpx.codes.OK:
        return Finding(name, True, f"ready at {url}")
    missing = ", ".join(answer.json().get("missing", [])) or "its partitions or its table"
    return Finding(name, False, f"answers at {url} but is not ready: it waits for {missing}; look at its log")
