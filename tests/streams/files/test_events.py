import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from detector.contracts.events import IntentEvent
from streams.errors import DependencyUnavailable, UsageError
from streams.files.events import read_events, read_labels, read_meant, write_events, write_labels
from streams.files.lines import write_lines
from tests.detector.builders import send_message

EVENTS = send_message(wake_confidence=0.5)
LABELS = [("e1", "spliced", "c1"), ("e2", "spliced", "c1")]


@pytest.fixture(params=["stream.jsonl", "stream.jsonl.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def test_a_stream_is_read_as_it_was_written(path: Path) -> None:
    write_events(path, EVENTS)
    assert read_events(path) == EVENTS


def test_a_stream_is_json_lines_and_gz_is_gzip(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    write_events(plain, EVENTS)
    write_events(packed, EVENTS)
    lines = plain.read_bytes().splitlines()
    assert [json.loads(line)["event_id"] for line in lines] == ["e0", "e1", "e2"]
    assert json.loads(lines[1])["slots"] == {"contact": "k1_a44e"}
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


def test_the_same_stream_gives_the_same_bytes_under_any_name(tmp_path: Path) -> None:
    write_events(tmp_path / "a.gz", EVENTS)
    write_events(tmp_path / "b.gz", EVENTS)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_empty_lines_and_unknown_fields_are_ignored(path: Path) -> None:
    write_events(path, EVENTS)
    data = path.read_bytes() if path.suffix != ".gz" else gzip.decompress(path.read_bytes())
    rows = [json.loads(line) | {"colour": "blue"} for line in data.splitlines()]
    write_lines(path, [b"", *(json.dumps(row).encode() for row in rows), b"  "])
    assert read_events(path) == EVENTS


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{not json", "not JSON"),
        (b"[]", "line 2"),
        (b'{"event_id": "e1"}', "household_id"),
    ],
)
def test_an_invalid_event_is_reported_with_its_line(path: Path, line: bytes, problem: str) -> None:
    write_events(path, EVENTS[:1])
    first = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    write_lines(path, [first.strip(), line])
    with pytest.raises(UsageError, match="line 2") as refused:
        read_events(path)
    assert problem in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_duplicate_event_id_is_rejected_with_both_lines(path: Path) -> None:
    write_events(path, [*EVENTS, EVENTS[1]])
    with pytest.raises(UsageError, match=r"line 4: the event_id of line 2"):
        read_events(path)


def test_an_empty_stream_is_refused(path: Path) -> None:
    write_events(path, [])
    with pytest.raises(UsageError, match="contains no events"):
        read_events(path)


@pytest.mark.parametrize("read", [read_events, read_labels])
def test_a_missing_event_file_is_reported(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(DependencyUnavailable, match=r"nowhere\.jsonl does not exist"):
        read(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("read", [read_events, read_labels])
def test_a_file_named_gz_that_is_not_gzip_is_refused(tmp_path: Path, read: object) -> None:
    assert callable(read)
    path = tmp_path / "stream.jsonl.gz"
    path.write_bytes(b"{}\n")
    with pytest.raises(UsageError, match="cannot be read as gzip"):
        read(path)


def test_a_truncated_gz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl.gz"
    write_events(path, EVENTS)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(UsageError, match="cannot be read as gzip"):
        read_events(path)


@pytest.mark.parametrize("name", ["stream.jsonl.gz", "stream.jsonl"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_events(path, [event for number in range(40) for event in send_message(first=10 * number)])
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 2, len(data) // 2 + 20):
        data[place] ^= 0xA5
    path.write_bytes(bytes(data))
    with pytest.raises(UsageError, match=name):
        read_events(path)


def test_labels_are_read_by_event(path: Path) -> None:
    write_labels(path, LABELS)
    assert read_labels(path) == {"e1": "spliced", "e2": "spliced"}


def test_a_label_is_an_object_with_three_names(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    write_labels(path, LABELS)
    assert json.loads(path.read_text().splitlines()[0]) == {
        "event_id": "e1",
        "label": "spliced",
        "chain_id": "c1",
    }


@pytest.mark.parametrize("line", [b"{", b"[]", b"3", b'{"event_id": "e1"}'])
def test_an_invalid_label_is_reported_with_its_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "labels.jsonl"
    write_lines(path, [b'{"event_id": "e0", "label": "spliced", "chain_id": "c"}', line])
    with pytest.raises(UsageError, match="line 2: a label is an object"):
        read_labels(path)


def test_an_unwritable_path_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="cannot be written"):
        write_events(tmp_path / "no" / "such" / "folder.jsonl", EVENTS)


def test_events_are_written_one_by_one(tmp_path: Path) -> None:
    """Streams may be larger than memory, and a partial stream gets no name."""
    path = tmp_path / "stream.jsonl"

    def failing() -> list[IntentEvent]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_events(path, (event for batch in (EVENTS, None) for event in (batch or failing())))
    assert list(tmp_path.iterdir()) == []


def test_a_household_whose_time_goes_backwards_is_rejected(tmp_path: Path) -> None:
    first, second, third = send_message()
    write_events(tmp_path / "f", [second, replace(first, household_id="h2"), third])
    assert len(read_events(tmp_path / "f")) == 3
    write_events(tmp_path / "f", [second, replace(third, household_id="h2"), first])
    with pytest.raises(UsageError, match="line 3: is earlier than line 1 of the same household"):
        read_events(tmp_path / "f")


def test_labelled_events_are_left_out(tmp_path: Path) -> None:
    write_events(tmp_path / "f", send_message())
    write_labels(tmp_path / "labels", [("e1", "phantom", "c")])
    assert [event.event_id for event in read_meant(tmp_path / "f", tmp_path / "labels")] == [
        "e0",
        "e2",
    ]
    assert len(read_meant(tmp_path / "f", None)) == 3
    write_labels(tmp_path / "labels", [("e9", "phantom", "c")])
    with pytest.raises(UsageError, match="'e9'"):
        read_meant(tmp_path / "f", tmp_path / "labels")
