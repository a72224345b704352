import gzip
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.files import tolerant
from streams.files.events import write_events
from streams.files.lines import write_lines
from streams.files.tolerant import BadLine, TolerantStream
from streams.wire.records import INTENT
from tests.detector.builders import event

EVENTS = [event(number) for number in range(5)]
LINES = [INTENT.encode(each) for each in EVENTS]


@pytest.fixture(params=["log.jsonl", "log.jsonl.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def test_a_valid_log_is_read_as_written(path: Path) -> None:
    write_events(path, EVENTS)
    stream = TolerantStream(path)

    assert list(stream) == EVENTS
    assert (stream.bad, stream.listed) == (0, [])


def test_bad_lines_are_skipped_and_listed(path: Path) -> None:
    early = INTENT.encode(replace(event(9), time=EVENTS[0].time - timedelta(days=1)))
    write_lines(path, [LINES[0], b"{nonsense", LINES[1], LINES[1], early, *LINES[2:]])
    stream = TolerantStream(path)

    assert list(stream) == EVENTS
    assert stream.bad == 3
    assert stream.listed == [
        BadLine(2, "the value is not JSON"),
        BadLine(4, "the event_id of line 3 is used again; every event needs its own"),
        BadLine(5, "is earlier than line 3 of the same household; sort the stream by time"),
    ]


def test_a_problem_quotes_no_spoken_words(path: Path) -> None:
    spoken = json.loads(LINES[1]) | {"act": "my secret"}
    write_lines(path, [LINES[0], json.dumps(spoken).encode()])
    stream = TolerantStream(path)

    assert list(stream) == EVENTS[:1]
    assert "secret" not in stream.listed[0].problem


def test_the_list_is_bounded_and_the_count_is_not(path: Path) -> None:
    write_lines(path, [b"{}"] * 50 + LINES)
    stream = TolerantStream(path)

    assert list(stream) == EVENTS
    assert (stream.bad, len(stream.listed)) == (50, 20)


def test_memory_for_ids_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tolerant, "_REMEMBERED", 2)
    later = INTENT.encode(replace(event(9), event_id="e0"))
    write_lines(path, [*LINES, later])
    stream = TolerantStream(path)

    assert len(list(stream)) == 6


def test_a_log_without_any_event_is_refused(path: Path) -> None:
    write_lines(path, [b"{}", b"{}"])
    with pytest.raises(UsageError, match="line 1: event_id: Field required"):
        list(TolerantStream(path))

    write_lines(path, [])
    with pytest.raises(UsageError, match="contains no events"):
        list(TolerantStream(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="nowhere"):
        list(TolerantStream(tmp_path / "nowhere"))


def test_the_total_is_estimated_from_the_position(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    many = LINES[0].replace(b'"e0"', b'"e%06d"')
    path.write_bytes(b"".join(many % number + b"\n" for number in range(5_000)))
    stream = TolerantStream(path)
    assert stream.expected(0) == 0

    events = iter(stream)
    for _ in range(1_000):
        next(events)
    assert stream.expected(1_000) == pytest.approx(5_000, rel=0.5)
    rest = len(list(events))
    assert stream.expected(1_000 + rest) == 5_000


def test_the_total_of_a_compressed_log_is_estimated_too(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"\n".join(LINES)))
    stream = TolerantStream(path)

    assert len(list(stream)) == 5
    assert stream.expected(5) == 5
