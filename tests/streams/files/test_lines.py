from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.files import lines as line_files
from streams.files.events import read_events, read_labels
from streams.files.lines import read_lines, write_lines
from streams.wire.records import INTENT
from tests.detector.builders import send_message

EVENTS = send_message(wake_confidence=0.5)
PLAIN = b"".join(INTENT.encode(event) + b"\n" for event in EVENTS)


def _zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("stream.jsonl", content)
    return buffer.getvalue()


#: What is read, by what people call it.
READ: dict[str, tuple[str, bytes]] = {
    "plain": ("stream.jsonl", PLAIN),
    "no last newline": ("stream.jsonl", PLAIN.rstrip()),
    "lines as on Windows": ("stream.jsonl", PLAIN.replace(b"\n", b"\r\n")),
    "gzip": ("stream.jsonl.gz", gzip.compress(PLAIN)),
    "gzip in capitals": ("STREAM.JSONL.GZ", gzip.compress(PLAIN)),
    "gzip without suffix": ("stream", gzip.compress(PLAIN)),
    "gzip under another name": ("stream.jsonl", gzip.compress(PLAIN)),
    "several members": (
        "stream.gz",
        b"".join(gzip.compress(line + b"\n") for line in PLAIN.splitlines()),
    ),
    "members across lines": ("stream.gz", gzip.compress(PLAIN[:99]) + gzip.compress(PLAIN[99:])),
    "byte order mark": ("stream.jsonl", b"\xef\xbb\xbf" + PLAIN),
    "byte order mark inside of gzip": ("stream.gz", gzip.compress(b"\xef\xbb\xbf" + PLAIN)),
    "UTF-16": ("stream.jsonl", PLAIN.decode().encode("utf-16")),
    "UTF-16 big-endian": ("stream.jsonl", b"\xfe\xff" + PLAIN.decode().encode("utf-16-be")),
    "UTF-32": ("stream.jsonl", PLAIN.decode().encode("utf-32")),
    "UTF-16 inside of gzip": ("stream.gz", gzip.compress(PLAIN.decode().encode("utf-16"))),
}
#: Other kinds of files, and the error about each.
NAMED: dict[str, tuple[bytes, str]] = {
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), "is zstd.*unzstd"),
    "xz": (lzma.compress(PLAIN), "is xz.*unxz"),
    "bzip2": (bz2.compress(PLAIN), "is bzip2.*bunzip2"),
    "zip": (_zipped(PLAIN), "zip archive.*unzip"),
    "gzip twice": (gzip.compress(gzip.compress(PLAIN)), "is gzip.*gunzip"),
    "Parquet": (b"PAR1" + bytes(20), "Parquet.*JSON lines"),
    "UTF-16 without a mark": (PLAIN.decode().encode("utf-16-le"), "UTF-8"),
    "half a UTF-16 character": (PLAIN.decode().encode("utf-16")[:-1], "byte order mark"),
    "an array": (b"[" + PLAIN.replace(b"\n", b",")[:-1] + b"]", "JSON array.*jq"),
    "an array over lines": (b"[\n" + PLAIN + b"]", "JSON array.*jq"),
    "an object over lines": (b'{\n "event_id": "e1"\n}', "several lines.*jq"),
    "CSV": (b"event_id,time,household_id\ne1,x,y\n", "table with commas.*CSV"),
    "TSV": (b"event_id\ttime\n", "table with tabs"),
    "CSV in quotes": (b'"event_id",time\n"e1",x\n', "table with commas"),
    "a table with bars": (b"event_id|time\ne1|x\n", "table with vertical bars"),
    "an object over lines that begins with a field": (
        b'{ "event_id": "e1",\n"act": "x"}\n',
        "several lines.*jq",
    ),
    "a name twice": (PLAIN.replace(b'{"', b'{"event_id":"e9","', 1), "name twice"),
    "cut off": (
        gzip.compress(PLAIN * 9)[:-9],
        r"cannot be read as gzip: it was cut off, after \d+ lines",
    ),
    "damaged": (
        gzip.compress(PLAIN)[:60] + b"\xff" * 30 + gzip.compress(PLAIN)[90:],
        r"cannot be read as gzip: it is damaged .*after \d+ lines",
    ),
    "something behind gzip": (
        gzip.compress(PLAIN) + b"more",
        "cannot be read as gzip: it is damaged",
    ),
    "no gzip": (b"", "contains no events"),
}


@pytest.mark.parametrize("what", READ)
def test_every_readable_format_is_read(what: str, tmp_path: Path) -> None:
    name, content = READ[what]
    (tmp_path / name).write_bytes(content)
    assert read_events(tmp_path / name) == EVENTS


@pytest.mark.parametrize("what", READ)
def test_the_same_is_read_from_a_pipe(what: str) -> None:
    """Like ``<(…)``: a path in /dev/fd that is not seekable and may return one byte at a time."""
    content = READ[what][1]
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb", buffering=0) as file:
            file.write(content[:1])
            file.write(content[1:])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert read_events(Path(f"/dev/fd/{out}")) == EVENTS
    finally:
        os.close(out)
        writer.join()


@pytest.mark.parametrize("what", NAMED)
def test_every_unreadable_format_is_named(what: str, tmp_path: Path) -> None:
    content, said = NAMED[what]
    (tmp_path / "stream").write_bytes(content)
    with pytest.raises(UsageError, match=said) as refused:
        read_events(tmp_path / "stream")
    assert "\n" not in str(refused.value)


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(PLAIN))))
    assert read_events(Path("-")) == EVENTS


def test_labels_are_read_in_the_same_ways(tmp_path: Path) -> None:
    line = '{"event_id": "e1", "label": "spliced", "chain_id": "c1"}\n'
    for number, content in enumerate(
        (line.encode("utf-16"), b"\xef\xbb\xbf" + line.encode(), gzip.compress(line.encode()))
    ):
        (tmp_path / str(number)).write_bytes(content)
        assert read_labels(tmp_path / str(number)) == {"e1": "spliced"}
    (tmp_path / "twice").write_bytes(line.replace("{", '{"label": "phantom", ').encode())
    with pytest.raises(UsageError, match=r"line 1: .*name twice"):
        read_labels(tmp_path / "twice")


def test_a_pipe_with_too_much_decompressed_data_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(line_files, "_UNPACKED_FLOOR", 1 << 20)
    (tmp_path / "bomb").write_bytes(gzip.compress(b"\n" * (4 << 20)))
    with pytest.raises(UsageError, match="unpacks to more than"):
        list(read_lines(tmp_path / "bomb"))


@pytest.mark.parametrize("name", ["a.gz", "a.GZ"])
def test_a_name_ending_in_gz_is_written_as_gzip(name: str, tmp_path: Path) -> None:
    write_lines(tmp_path / name, [b"x"])
    assert gzip.decompress((tmp_path / name).read_bytes()) == b"x\n"


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    def lines(end: Callable[[], bytes]) -> object:
        yield b"x"
        yield end()

    def failing() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_lines(tmp_path / "a", lines(failing))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_unreadable_file_is_reported(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DependencyUnavailable, match="does not exist"):
            list(read_lines(path))
