from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from streams.errors import UsageError
from streams.files.importers.records import Found
from streams.files.importers.takeout import read_takeout
from streams.files.importers.times import Times
from tests.streams.files.importers.readers import SAMPLES, faults, records, silent, skipped

SAMPLE = SAMPLES / "takeout.json"
MEMBER = "Takeout/Meine Aktivitäten/Assistant/MyActivity.json"


def read(path: Path, said: str = "Said ") -> list[Found]:
    return list(read_takeout(path, Times(), silent, said))


def archive(folder: Path, *names: str) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(name, SAMPLE.read_bytes())
    path = folder / "takeout.zip"
    path.write_bytes(buffer.getvalue())
    return path


def test_the_sample_is_read() -> None:
    found = read(SAMPLE)
    assert [(each.text, each.device) for each in records(found)] == [
        ("turn off the bedroom lights", "From Google Home"),
        ("call Philippa", "From Nest Mini"),
        ("what's the weather tomorrow", "google-assistant"),
    ]
    assert skipped(found) == ["another kind of activity"]


def test_keys_are_those_of_different_entries() -> None:
    keys = [each.key for each in records(read(SAMPLE))]
    assert len(set(keys)) == 3
    assert keys == [each.key for each in records(read(SAMPLE))]


def test_the_archive_of_takeout_is_read_as_it_is(tmp_path: Path) -> None:
    path = archive(tmp_path, MEMBER, "Takeout/My Activity/Search/MyActivity.json")
    assert len(records(read(path))) == 3


@pytest.mark.parametrize("names", [(), ("Takeout/a.json",), (MEMBER, f"again/{MEMBER}")])
def test_an_archive_without_one_activity_is_a_usage_error(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"files named|cannot be read|damaged"):
        read(archive(tmp_path, *names) if names else _empty(tmp_path))


def _empty(folder: Path) -> Path:
    path = folder / "takeout.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(40))
    return path


def test_titles_of_other_languages_begin_with_other_words(tmp_path: Path) -> None:
    path = tmp_path / "MyActivity.json"
    path.write_text(
        json.dumps([{"title": "Gesagt: Licht aus", "time": "2026-03-29T21:31:07Z"}]), "utf-8"
    )
    assert [each.text for each in records(read(path, "Gesagt: "))] == ["Licht aus"]


def test_a_bad_entry_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "MyActivity.json"
    entries = [1, {}, {"title": 5}, {"title": "Said x", "time": "then"}, {"title": "Said x"}]
    path.write_text(json.dumps(entries), "utf-8")
    assert [place for place, _ in faults(read(path))] == [f"record {n}" for n in range(1, 6)]


def test_details_of_other_types_name_no_device(tmp_path: Path) -> None:
    path = tmp_path / "MyActivity.json"
    values: list[object] = [None, 1, "x", [1], [{}], [{"name": 1}], {"name": "x"}]
    entries = [
        {"title": "Said x", "time": "2026-03-29T21:31:07Z", "details": details}
        for details in values
    ]
    path.write_text(json.dumps(entries), "utf-8")
    assert {each.device for each in records(read(path))} == {"google-assistant"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html><body>Said x</body></html>", "JSON as the format"),
        ("{}", "not the MyActivity.json"),
        ("", "not the MyActivity.json"),
        ('[{"title": "Said Philippa', "was cut off after 0 records"),
    ],
)
def test_other_content_is_a_usage_error(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "MyActivity.json"
    path.write_text(content, "utf-8")
    with pytest.raises(UsageError, match=said) as refused:
        read(path)
    assert "Philippa" not in str(refused.value)


def test_an_empty_activity_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "MyActivity.json"
    path.write_text("[]", "utf-8")
    assert read(path) == []
