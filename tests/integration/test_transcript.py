from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.files.keyring import new_keyring
from streams.hook import AsyncHook, Hook, RejectedEvent, Tokens
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INTENTS, OUTCOMES, REPLIES
from streams.local.embedded_broker import EmbeddedBroker
from streams.wire.records import INTENT
from tests import loopback
from tests.detector.builders import event, send_message
from tests.integration.stream import bundle_on_disk
from tests.integration.test_gateway import PATIENT_MS, gateway
from tests.integration.worker import Log, Worker, logs, prepare, producing, until
from tests.streams.hook import fake_gateway

#: A sentence, and a one-word name that has the form of an id.
SAID, NAME = "please tell my surgeon that it hurts again", "Zacharias-Quibble"
WRITTEN = [
    text.encode(form)
    for text in (SAID, NAME, "surgeon", "Quibble")
    for form in ("utf-8", "utf-16-le", "utf-16-be")
]
ROW: dict[str, Any] = json.loads(INTENT.encode(event(0)))
ID_FIELDS = ("household_id", "device_id", "speaker_id")


def bodies() -> Iterator[tuple[str, bytes]]:
    """Yield bodies with a transcript in every field: as its value, inside it, beside it, and
    instead of JSON.
    """
    good = ROW | dict.fromkeys(ID_FIELDS, "h1_00ff")
    for name in (*ROW, "unknown_field"):
        for value in (
            SAID,
            [SAID],
            {SAID: SAID},
            {"text": SAID},
            {SAID: "k1_00ff"},
            {"text": NAME},
        ):
            yield f"{name}={value}", json.dumps(good | {name: value}).encode()
    for name in ID_FIELDS:
        yield f"{name}={NAME}", json.dumps(good | {name: NAME}).encode()
    yield "no JSON", SAID.encode()
    yield "half JSON", json.dumps(good | {"slots": {"text": SAID}}).encode()[:-9]
    yield "a string", json.dumps(SAID).encode()


def test_a_transcript_in_any_field_is_never_stored(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    prepare(embedded)
    said_in_headers = {
        "traceparent": SAID,
        "user-agent": SAID,
        "x-request-id": SAID,
        "cookie": f"a={SAID}",
    }
    with (
        Worker(embedded, place, tmp_path / "log", MISFIRE_TOKEN_IDS="true") as worker,
        gateway(embedded.bootstrap, place, tmp_path / "gw", MISFIRE_TOKEN_IDS="true") as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        worker.wait_ready()
        for name, body in bodies():
            for path in ("/v1/decide", "/v1/outcomes"):
                answer = client.post(
                    path,
                    params={"said": SAID},
                    content=body,
                    headers={"content-type": "application/json", **said_in_headers},
                )
                assert answer.status_code != 500, name
                if not name.startswith(("unknown_field", "runtime")):
                    assert answer.status_code in {400, 422}, (name, answer.text)
                assert not found_in(answer.content), name
        client.get(f"/{SAID}")
        client.post(
            "/v1/decide",
            content=b"{}",
            headers={"content-type": SAID, "x-misfire-deadline-ms": SAID},
        )

        # A producer on Kafka wrote it there directly; misfire does not repeat it.
        aloud = INTENT.encode(event(0, event_id="aloud", slots={"text": SAID}))
        with producing(embedded) as producer:
            producer.send(INTENTS, aloud, key=b"h1", headers=[("ce_type", INTENT.type.encode())])

        with Hook(
            url, deadline_ms=PATIENT_MS, tokens=Tokens(new_keyring("acme", datetime.now(UTC)))
        ) as hook:
            raw = send_message(
                first=10, contact=SAID, device_id=NAME, speaker_id=NAME, household_id=NAME
            )
            answers = [hook.decide(each) for each in raw]
        assert {answer.rung for answer in answers} == {"worker"}

        with logs(embedded) as log:
            until(lambda: len(log.letters.read()) >= 1)
            for topic in (INTENTS, DECISIONS, OUTCOMES, REPLIES, DEAD_LETTERS, HOUSEHOLDS):
                reader = Log(embedded, topic)
                records = reader.read_to_end()
                assert records or topic == OUTCOMES, topic
                for record in records:
                    if record.value != aloud:
                        parts = [
                            record.key or b"",
                            record.value or b"",
                            *(v for _, v in record.headers),
                        ]
                        assert not any(map(found_in, parts)), (topic, record)
                reader.close()
        for metrics in (f"{url}/metrics", f"{worker.url}/metrics"):
            assert not found_in(loopback.get(metrics).content)
        assert worker.metric("misfire_dead_letters_total", reason="not_tokens") == 1
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or not found_in(file.read_bytes()), file


def test_without_a_keyring_the_client_sends_only_tokens() -> None:
    sent: list[bytes] = []

    def take(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        sent.append(body)
        fake_gateway.saying(500, b"")(handler, body)

    with fake_gateway.gateway(take) as url:
        hook = AsyncHook(url)
        assert asyncio.run(hook.decide(event(1))).degraded
        assert sent.pop()
        with pytest.raises(RejectedEvent, match="keyed tokens") as refused:
            asyncio.run(hook.decide(event(slots={"text": SAID})))
    assert not sent
    assert SAID not in str(refused.value)


def found_in(data: bytes) -> bool:
    lowered = data.lower()
    return any(written.lower() in lowered for written in WRITTEN)
