from __future__ import annotations

import errno
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from streams.serving import bounds
from streams.serving.server import _Listener
from tests import loopback
from tests.streams.serving.live import Raw, answering, cut, until

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"
POST = b"POST /length HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"


@pytest.fixture
def port() -> Iterator[int]:
    with answering() as found:
        yield found


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the time limits short enough for a test."""
    for name in (
        "HEAD_SECONDS",
        "BODY_SECONDS",
        "WRITE_SECONDS",
        "HANDSHAKE_SECONDS",
        "LINGER_SECONDS",
    ):
        monkeypatch.setattr(bounds, name, 0.2)


def answered(port: int) -> bool:
    return loopback.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 200


def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert client.get("/").json() == {"ok": True}
            assert client.post("/length", content=b"x" * 200_000).json() == 200_000
            assert client.post("/length", content=iter([b"x" * 9_000, b"y"])).json() == 9_001


def test_an_endless_header_is_rejected_early(port: int) -> None:
    before, raw = cut("head_bytes"), Raw(port)

    raw.send(HEAD + b"a: " + b"x" * 2 * bounds.MAX_HEAD_BYTES)

    assert raw.read().startswith(b"HTTP/1.1 431 ")
    assert cut("head_bytes") == before + 1


@pytest.mark.parametrize("start", [b"", b"GET /", HEAD, HEAD + b"a", b"\r\n" * 10])
def test_every_part_of_a_head_is_bounded(port: int, start: bytes) -> None:
    raw = Raw(port)
    raw.send(start + (b"\r\n" if start.startswith(b"\r") else b"x") * 40_000)

    assert raw.read()[:13] in (b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")


def test_many_headers_are_refused(port: int) -> None:
    few, many = Raw(port), Raw(port)
    few.send(HEAD + b"a:\r\n" * (bounds.MAX_HEADERS - 1) + b"\r\n")
    many.send(HEAD + b"a:\r\n" * bounds.MAX_HEADERS + b"\r\n")

    assert few.answer().startswith(b"HTTP/1.1 200 ")
    assert many.read().startswith(b"HTTP/1.1 400 ")


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("sent", [b"", b"G", HEAD])
def test_an_unfinished_head_times_out(sent: bytes) -> None:
    with answering() as port:
        before, raw = cut("head_time"), Raw(port)
        raw.send(sent)

        assert raw.read().startswith(b"HTTP/1.1 408 ")
        assert cut("head_time") == before + 1


@pytest.mark.usefixtures("short_limits")
def test_the_next_head_of_a_connection_has_a_time_limit() -> None:
    with answering() as port:
        raw = Raw(port)
        raw.send(HEAD + b"\r\n")
        assert raw.answer().startswith(b"HTTP/1.1 200 ")
        raw.send(HEAD)

        assert b"HTTP/1.1 408 " in raw.read()


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("sent", [POST + b"content-length: 5\r\n\r\nab", CHUNKED + b"5\r\nab"])
def test_an_unfinished_body_times_out(sent: bytes) -> None:
    with answering() as port:
        before, raw = cut("body_time"), Raw(port)
        raw.send(sent)

        assert raw.read() == b""
        assert cut("body_time") == before + 1


@pytest.mark.parametrize(
    "part",
    [b"1000\r\n" + b"x" * 4_096 + b"\r\n", b"1\r\nx\r\n", b"1;" + b"e" * 4_000 + b"\r\nx\r\n"],
)
def test_an_endless_body_is_cut_off(port: int, part: bytes) -> None:
    before, raw = cut("body_bytes"), Raw(port)

    raw.flood(CHUNKED, part * (100_000 // len(part)), 16 * bounds.MAX_BODY_BYTES)

    assert cut("body_bytes") == before + 1


def test_a_body_announced_as_too_large_is_rejected_unread(port: int) -> None:
    allowed, before = Raw(port), cut("body_bytes")
    allowed.send(POST + b"content-length: %d\r\n\r\n" % bounds.MAX_BODY_BYTES)
    refused = Raw(port)
    refused.send(POST + b"content-length: %d\r\n\r\n" % (bounds.MAX_BODY_BYTES + 1))

    assert refused.read().startswith(b"HTTP/1.1 413 ")
    assert cut("body_bytes") == before + 1
    allowed.send(b"x" * bounds.MAX_BODY_BYTES)
    assert allowed.answer().startswith(b"HTTP/1.1 200 ")


def test_too_many_small_chunks_are_cut_off(port: int) -> None:
    few, many, before = Raw(port), Raw(port), cut("body_bytes")
    few.send(CHUNKED + b"1\r\nx\r\n" * (bounds.MAX_CHUNKS - 1) + b"0\r\n\r\n")
    many.send(CHUNKED + b"1\r\nx\r\n" * (bounds.MAX_CHUNKS + 1_000))

    assert few.answer().startswith(b"HTTP/1.1 200 ")
    assert many.read() == b""
    assert cut("body_bytes") == before + 1


def test_endless_trailers_are_cut_off(port: int) -> None:
    before, raw = cut("body_bytes"), Raw(port)

    raw.flood(CHUNKED + b"0\r\n", b"a: x\r\n" * 20_000, 16 * bounds.MAX_BODY_BYTES)

    assert cut("body_bytes") == before + 1


def test_a_trailer_is_not_a_header(port: int) -> None:
    raw = Raw(port)
    raw.send(
        b"POST /headers HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
        b"0\r\nx-behind: 1\r\n\r\n"
    )

    answer = raw.read()
    assert b"transfer-encoding" in answer
    assert b"x-behind" not in answer


WISHES = [
    b"connection: upgrade\r\nupgrade: websocket\r\n",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
]


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("wish", WISHES)
def test_a_protocol_upgrade_is_ignored_and_the_body_stays_a_body(
    port: int, wish: bytes, pieces: int
) -> None:
    body, raw = HEAD + b"\r\n", Raw(port)
    head = POST + wish + b"content-length: %d\r\n\r\n" % len(body)
    for part in [head + body] if pieces == 1 else [head, body]:
        raw.send(part)
        time.sleep(0.05)
    raw.send(HEAD + wish + b"connection: close\r\n\r\n")

    answers = raw.read()
    assert answers.count(b"HTTP/1.1 200 ") == 2
    assert b"\r\n\r\n%d" % len(body) in answers
    assert answers.endswith(b'{"ok":true}')


def test_a_connect_request_is_rejected(port: int) -> None:
    raw = Raw(port)
    raw.send(b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: x\r\n" + WISHES[0] + b"\r\n")

    assert raw.read().startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (b"/host", b"y"),
        (b"http://x/host", b"x"),
        (b"HTTP://u@x:1/host?a", b"u@x:1"),
        (b"//x/host", None),
    ],
)
def test_the_host_of_an_absolute_url_takes_precedence_over_the_header(
    port: int, target: bytes, host: bytes | None
) -> None:
    raw = Raw(port)
    raw.send(b"GET " + target + b" HTTP/1.1\r\nhost: y\r\nconnection: close\r\n\r\n")

    answer = raw.read()
    assert answer.startswith(b"HTTP/1.1 200 " if host else b"HTTP/1.1 404 ")
    assert host is None or answer.endswith(b'"%s"' % host)


def test_a_refusal_arrives_before_the_rest_of_the_request(port: int) -> None:
    raw = Raw(port)
    raw.send(
        b"POST /refused HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 300_000
    )

    assert b'{"ok":false}' in raw.read()


def test_pipelined_requests_are_bounded(port: int) -> None:
    few, many = Raw(port), Raw(port)
    few.send((HEAD + b"\r\n") * 5)
    found = b""
    while found.count(b"HTTP/1.1 200") < 5:
        found += few.answer()
    before = cut("pipelined")
    many.send((HEAD + b"\r\n") * 10_000)
    many.read()

    assert cut("pipelined") == before + 1


@pytest.mark.usefixtures("short_limits")
def test_a_client_that_does_not_read_its_answer_is_disconnected() -> None:
    with answering() as port:
        before, raw = cut("slow_reader"), Raw(port)
        raw.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")

        until(lambda: cut("slow_reader") == before + 1)
        assert answered(port)


def test_a_flood_of_connections_evicts_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "most_connections", lambda: 20)
    with answering() as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as regular:
        before = cut("crowded")
        flood = []
        for _ in range(50):
            flood.append(Raw(port))
            assert regular.get("/").status_code == 200

        assert answered(port)
        assert cut("crowded") >= before + 40
        assert [raw.open for raw in flood[:40]] == [False] * 40
        assert flood[-1].open
        assert regular.get("/").status_code == 200


def test_an_unfinished_handshake_times_out(short_limits: None, tmp_path: Path) -> None:  # noqa: ARG001
    ours = trustme.CA()
    pair = tmp_path / "pair.pem"
    ours.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pair)
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")
    with answering({"ssl_certfile": str(pair), "ssl_keyfile": str(pair)}) as port:
        before, silent, babbling = cut("handshake"), Raw(port), Raw(port)
        babbling.send(b"no handshake")

        assert (
            httpx.get(f"https://127.0.0.1:{port}/", verify=str(tmp_path / "ca.pem")).status_code
            == 200
        )
        assert silent.read() == b""
        until(lambda: cut("handshake") == before + 2)


@pytest.mark.parametrize("files", [64, 256, 1_024, 65_536, resource.RLIM_INFINITY])
def test_there_are_always_fewer_connections_than_files(
    monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))

    most = bounds.most_connections()

    assert 0 < most <= bounds.MAX_CONNECTIONS
    assert files == resource.RLIM_INFINITY or most < files
    assert 0 < bounds.connections_per_address(most) < most


def test_without_free_descriptors_a_connection_is_evicted_for_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = iter(
        [OSError(errno.EMFILE, "too many open files"), OSError(errno.ECONNABORTED, "aborted")]
    )
    accept = _Listener._accept_one

    async def failing(listener: _Listener) -> None:
        if listener._connections.count and (error := next(refused, None)):
            raise error
        await accept(listener)

    with answering() as port:
        silent, before = Raw(port), cut("crowded")
        monkeypatch.setattr(_Listener, "_accept_one", failing)

        assert answered(port)
        assert answered(port)
        until(lambda: not silent.open)
        assert cut("crowded") == before + 1
