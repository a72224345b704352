from __future__ import annotations

import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from streams.errors import UsageError
from streams.files.importers.records import Found
from streams.files.importers.table import column_map, read_table
from streams.files.importers.times import Times
from tests.streams.files.importers.readers import SAMPLES, faults, records, silent

PAIRS = ("when=time", "room=device", "who=speaker", "spoken=text", "misfire=label")
COLUMNS = column_map([*PAIRS, "confidence=asr_confidence"])
HEADER = "when,room,who,spoken,misfire,confidence"
ROW = "2026-03-28 07:10:00,kitchen,anna,lights on,,0.9"


def read(path: Path, times: Times | None = None, separator: str | None = None) -> list[Found]:
    return list(read_table(path, COLUMNS, times or Times(), separator, silent))


def written(folder: Path, *lines: str) -> Path:
    path = folder / "log.csv"
    path.write_bytes("\n".join(lines).encode())
    return path


def test_the_sample_is_read() -> None:
    times = Times(ZoneInfo("Europe/Berlin"))
    found = records(read(SAMPLES / "table.csv", times))
    assert [(each.text, each.device, each.speaker, each.label) for each in found] == [
        ("start the coffee machine", "kitchen", "anna", None),
        ("is the front door locked", "hall", None, None),
        ("lock the front door, please", "hall", "bert", None),
        ("order a pizza for Philippa", "living room", None, "television"),
    ]
    assert [each.asr_confidence for each in found] == [0.93, 0.88, 0.91, 0.41]
    assert (times.ambiguous, times.impossible) == (1, 1)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_found_in_the_first_line_or_given(separator: str, tmp_path: Path) -> None:
    path = written(tmp_path, HEADER.replace(",", separator), ROW.replace(",", separator))
    assert len(records(read(path))) == 1
    assert len(records(read(path, separator=separator))) == 1


def test_gzip_windows_lines_and_lines_within_quotes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    quoted = ROW.replace("lights on", '"lights\r\non"')
    path.write_bytes(gzip.compress(f"\ufeff{HEADER}\r\n{quoted}\r\n".encode()))
    assert [each.text for each in records(read(path))] == ["lights\r\non"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-03-28 07:10:00,kitchen", "2 columns instead of 6"),
        (f"{ROW},more", "7 columns instead of 6"),
        (ROW.replace("2026", "then"), "the time cannot be read"),
        (ROW.replace("lights on", ""), "neither text nor intent"),
        (ROW.replace("0.9", "high"), "asr_confidence"),
        (ROW.replace("0.9", "1.5"), "asr_confidence"),
        (ROW.replace("0.9", "nan"), "asr_confidence"),
        (ROW.replace("on,,", "on,she said a sentence,"), "label is not a word"),
        (ROW.replace("anna", "a" * 513), "more than 512 characters"),
    ],
)
def test_a_bad_row_is_a_fault_and_the_next_is_read(row: str, reason: str, tmp_path: Path) -> None:
    found = read(written(tmp_path, HEADER, row, ROW))
    assert [place for place, _ in faults(found)] == ["line 2"]
    assert reason in faults(found)[0][1]
    assert len(found) == 2


def test_an_intent_must_have_a_domain_and_a_name(tmp_path: Path) -> None:
    path = written(tmp_path, "t,i", "2026-03-28T07:10:00Z,lock.Unlock", "2026-03-28T07:10:00Z,x")
    found = list(read_table(path, column_map(["t=time", "i=intent"]), Times(), None, silent))
    assert faults(found) == [("line 3", "intent is not of the form domain.Name")]


def test_slots_are_columns_too(tmp_path: Path) -> None:
    path = written(tmp_path, "t,i,r", "2026-03-28T07:10:00Z,light.TurnOn,kitchen")
    columns = column_map(["t=time", "i=intent", "r=slot.room"])
    assert records(read_table(path, columns, Times(), None, silent))[0].slots == {"room": "kitchen"}


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["time"], "COLUMN=FIELD"),
        (["=time"], "COLUMN=FIELD"),
        (["a=clock"], "no field clock"),
        (["a=slot."], "no field"),
        (["a=time", "b=time"], "has a column already"),
        (["a=time"], "one for text or intent"),
        (["a=text"], "column for time"),
        ([], "column for time"),
    ],
)
def test_a_wrong_map_is_a_usage_error(pairs: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        column_map(pairs)


def test_a_column_may_have_an_equals_sign() -> None:
    assert column_map(["a=b=time", "c=text"])["time"] == "a=b"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "is empty"),
        (("a,b,c",), "has no column confidence, misfire, room"),
        (("a\rb,c",), "is not a table"),
    ],
)
def test_another_table_is_a_usage_error(lines: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        read(written(tmp_path, *lines))
