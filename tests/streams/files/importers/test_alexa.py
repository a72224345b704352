from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.files.importers.alexa import NOT_DIRECTED, read_alexa
from streams.files.importers.records import Found
from streams.files.importers.times import Times
from tests.streams.files.importers.readers import SAMPLES, faults, records, silent, skipped

SAMPLE = SAMPLES / "alexa.json"
RECORD: dict[str, Any] = json.loads(SAMPLE.read_text("utf-8"))["customerHistoryRecords"][0]


def read(path: Path) -> list[Found]:
    return list(read_alexa(path, Times(), silent))


def written(folder: Path, content: object) -> Path:
    path = folder / "history.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def history(*values: object) -> dict[str, object]:
    return {"customerHistoryRecords": list(values)}


def test_the_sample_is_read() -> None:
    found = read(SAMPLE)
    assert [(each.text, each.device, each.label) for each in records(found)] == [
        ("alexa unlock the front door", "Kitchen Echo", None),
        ("so she went to see her aunt Philippa", "Kitchen Echo", NOT_DIRECTED),
        ("alexa set an alarm for seven a.m.", "Bedroom Dot", None),
    ]
    assert records(found)[0].time.isoformat() == "2026-04-03T18:03:05+00:00"
    assert skipped(found) == ["the wake word alone", "a routine, a tap, or another device's"]


@pytest.mark.parametrize(
    "content",
    [
        history(RECORD),
        [history(RECORD)],
        [history(), history(RECORD)],
        [RECORD],
    ],
    ids=["a page", "pages", "an empty page first", "records"],
)
def test_a_page_pages_and_records_are_read(content: object, tmp_path: Path) -> None:
    assert [each.key for each in records(read(written(tmp_path, content)))] == [RECORD["recordKey"]]


@pytest.mark.parametrize("content", [history(RECORD), [history(RECORD)], [RECORD]])
def test_standard_input_is_a_dash(content: object, monkeypatch: pytest.MonkeyPatch) -> None:
    data = gzip.compress(json.dumps(content).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert len(records(read(Path("-")))) == 1


def test_other_encodings_and_gzip_are_read(tmp_path: Path) -> None:
    text = json.dumps(history(RECORD))
    for content in (
        text.encode("utf-16"),
        b"\xef\xbb\xbf" + text.encode(),
        gzip.compress(text.encode()),
        b" \n" + text.encode(),
    ):
        path = tmp_path / "history"
        path.write_bytes(content)
        assert len(records(read(path))) == 1


def test_earlier_versions_have_their_status_in_the_type(tmp_path: Path) -> None:
    older = RECORD | {"utteranceType": "DISCARDED_NON_DEVICE_DIRECTED_INTENT"}
    del older["activityStatus"]
    assert records(read(written(tmp_path, history(older))))[0].label == NOT_DIRECTED


def test_a_discarded_record_needs_no_transcript(tmp_path: Path) -> None:
    silent_record = RECORD | {
        "activityStatus": "DISCARDED_NON_DEVICE_DIRECTED_INTENT",
        "voiceHistoryRecordItems": None,
    }
    assert records(read(written(tmp_path, history(silent_record))))[0].text == ""


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (7, "it is not an object"),
        ({}, "recordKey is missing or not a text"),
        (RECORD | {"recordKey": "k" * 513}, "recordKey is missing or not a text"),
        (RECORD | {"timestamp": "soon"}, "the time cannot be read"),
        (RECORD | {"timestamp": None}, "the time cannot be read"),
        (RECORD | {"voiceHistoryRecordItems": "x"}, "voiceHistoryRecordItems is not a list"),
        (RECORD | {"voiceHistoryRecordItems": [1]}, "voiceHistoryRecordItems is not a list"),
        (
            RECORD
            | {
                "voiceHistoryRecordItems": [
                    {"recordItemType": "CUSTOMER_TRANSCRIPT", "transcriptText": {}}
                ]
            },
            "transcriptText is not a text",
        ),
    ],
)
def test_a_bad_record_is_a_fault_and_the_next_is_read(
    record: object, reason: str, tmp_path: Path
) -> None:
    found = read(written(tmp_path, history(record, RECORD)))
    assert [place for place, _ in faults(found)] == ["record 1"]
    assert reason in faults(found)[0][1]
    assert len(found) == 2


def test_an_empty_history_is_empty(tmp_path: Path) -> None:
    assert read(written(tmp_path, history())) == []
    assert read(written(tmp_path, [history()])) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "no customerHistoryRecords"),
        ('{"records": []}', "no customerHistoryRecords"),
        ("[]", "no customerHistoryRecords"),
        ("[1, 2]", "no customerHistoryRecords"),
        ("", "no customerHistoryRecords"),
        ('{"customerHistoryRecords": [Philippa', "is not JSON after 0 records"),
        (json.dumps(history(RECORD))[:-2], "was cut off after 1 records"),
        ("PK\x03\x04", "zip archive"),
    ],
)
def test_other_content_is_a_usage_error_that_quotes_nothing(
    content: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        read(written(tmp_path, content))
    assert "Philippa" not in str(refused.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="cannot be read"):
        read(tmp_path / "none")
