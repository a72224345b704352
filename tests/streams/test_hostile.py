"""Malicious bytes: each is rejected with its reason, and the next record is read."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.contracts.errors import BundleError, PolicyError
from detector.decision.bundle import LARGEST, bundle_from_files, bundle_to_files
from detector.policy.parsing import parse_policy
from streams.errors import RecordError, UsageError
from streams.files import bundles
from streams.files import lines as line_files
from streams.files.bundles import read_bundle, write_bundle
from streams.files.events import LONGEST_LABEL, read_events, read_labels
from streams.files.lines import LONGEST_LINE, MOST_UNPACKED
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, INTENTS
from streams.operations.limits_table import LIMITS
from streams.settings import load
from streams.wire.records import INTENT, MAX_DEPTH
from streams.wire.strict_json import MAX_DIGITS, check_unambiguous
from tests.detector.builders import event, hand_bundle
from tests.streams.fakes import Bench, FakeEvent, intent_record

GOOD = INTENT.encode(event(1, wake_confidence=0.5))
_NUMBER = b'"wake_confidence":0.5'


def with_number(number: bytes) -> bytes:
    assert _NUMBER in GOOD
    return GOOD.replace(_NUMBER, b'"wake_confidence":' + number)


def beside(value: bytes) -> bytes:
    """An unknown field, whose content must still be valid."""
    return GOOD[:-1] + b',"x":' + value + b"}"


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a name twice": (b'{"household_id":"h2",' + GOOD[1:], "ambiguous_json"),
    "a name twice, one of them escaped": (
        b'{"household\\u005fid":"h2",' + GOOD[1:],
        "ambiguous_json",
    ),
    "a slot twice": (
        GOOD.replace(b'"slots":{}', b'"slots":{"a":"k1_00","a":"k1_11"}'),
        "ambiguous_json",
    ),
    "a name twice where nobody looks": (beside(b'[{"a":1,"a":2}]'), "ambiguous_json"),
    "NaN": (with_number(b"NaN"), "schema"),
    "Infinity": (with_number(b"-Infinity"), "schema"),
    "a float beyond all": (with_number(b"1e999"), "schema"),
    "NaN where nobody looks": (beside(b"NaN"), "ambiguous_json"),
    "10,000 digits": (with_number(b"9" * 10_000), "not_json"),
    "10,000 digits where nobody looks": (beside(b"9" * 10_000), "not_json"),
    "10,000 digits after the point": (with_number(b"0." + b"3" * 10_000), "ambiguous_json"),
    "a lone surrogate": (beside(b'"\\ud800"'), "not_json"),
    "a surrogate in UTF-8": (beside(b'"\xed\xa0\x80"'), "not_json"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "not_json"),
    "a NUL in a string": (beside(b'"\0"'), "not_json"),
    "brackets without end": (b"[" * 60_000, "not_json"),
    "objects without end": (b'{"a":' * 10_000, "not_json"),
    "nesting just too deep": (beside(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)), "not_json"),
    "two values": (GOOD + GOOD, "not_json"),
    "a header inside an id": (GOOD.replace(b'"d1"', b'"d1\\r\\nx-evil: 1"'), "schema"),
    "a slot named as an id": (
        GOOD.replace(b'"slots":{}', b'"slots":{"household_id":"h2_00"}'),
        "schema",
    ),
    "a line inside a slot": (
        GOOD.replace(b'"slots":{}', b'"slots":{"a":"k1_00\\n"}'),
        "not_tokens",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_dead_letter_has_its_reason_and_the_next_event_is_decided(what: str) -> None:
    value, reason = HOSTILE[what]
    bench = Bench(hand_bundle())
    await bench.intents(FakeEvent(INTENTS, 0, b"h1", value), intent_record(event(2), 1))

    (letter,) = bench.kafka.on(DEAD_LETTERS)
    assert letter.header("misfire_reason") == reason.encode()
    assert len(letter.header("misfire_error") or b"") < 1_000
    assert len(bench.kafka.on(DECISIONS)) == 1
    assert not bench.failures


def test_inputs_within_the_limits_are_accepted() -> None:
    deep = MAX_DEPTH
    for value in (
        b"[" * deep + b"]" * deep,
        b"9" * MAX_DIGITS,
        b"1e999",
        b'"\\ud83d\\ude00"',
        b'[{"a":1},{"a":2}]',
    ):
        assert INTENT.decode_strictly(beside(value)) == INTENT.decode(GOOD)
    assert INTENT.decode_strictly(json.dumps(json.loads(GOOD), indent=2).encode()) == INTENT.decode(
        GOOD
    )


def test_the_error_names_the_limit() -> None:
    with pytest.raises(
        RecordError, match=f"has {MAX_DIGITS + 1} digits; the limit is {MAX_DIGITS}"
    ):
        check_unambiguous(b"9" * (MAX_DIGITS + 1))


def test_every_limit_is_in_the_table() -> None:
    assert len({limit.what for limit in LIMITS}) == len(LIMITS)
    assert all(limit.most > 0 and limit.unit and limit.beyond for limit in LIMITS)


# Files


def packed(path: Path, data: bytes) -> Path:
    path.write_bytes(gzip.compress(data, 9))
    return path


def test_an_endless_line_is_not_read_whole(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "a.jsonl.gz", b"0" * (64 << 20))
    assert bomb.stat().st_size < 100_000
    for read in (read_events, read_labels):
        with pytest.raises(UsageError, match=f"line 1: has more than {LONGEST_LINE} bytes"):
            read(bomb)


@pytest.mark.slow
def test_a_decompression_bomb_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_files, "_UNPACKED_FLOOR", 1 << 20)
    bomb = packed(tmp_path / "a.jsonl.gz", b"\n" * (4 << 20))
    with pytest.raises(UsageError, match=f"more than {MOST_UNPACKED} times its size"):
        read_events(bomb)


def test_a_damaged_or_truncated_file_is_named(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD * 100)
    for number, data in enumerate(
        (whole[:-20], whole[:30] + b"\xff" * 60 + whole[90:], b"\x1f\x8b", b"no")
    ):
        path = tmp_path / f"{number}.jsonl.gz"
        path.write_bytes(data)
        with pytest.raises(UsageError, match=f"{number}.jsonl.gz"):
            read_events(path)


def test_an_overlong_or_nested_label_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_text(json.dumps({"event_id": "e1", "label": "x" * (LONGEST_LABEL + 1)}))
    with pytest.raises(UsageError, match=f"line 1: label has more than {LONGEST_LABEL} characters"):
        read_labels(path)
    path.write_text('{"a":' + "[" * 100_000 + "1")
    with pytest.raises(UsageError, match="line 1: a label is an object"):
        read_labels(path)


# Bundles


def npz(**arrays: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as members:
        for name, data in arrays.items():
            members.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def header(shape: str, kind: str = "'<f8'") -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "arrays",
    [
        npz(pairs=header("(1000000000,)")),
        npz(pairs=header("(1000000000000000,)") + b"\0" * 8),
        npz(pairs=header("(9, -1)")),
        npz(pairs=header("(1,)", "'|O'") + b"\x80\x04N."),
        npz(pairs=b"\x93NUMPY\x01\x00\xff\xff"),
        npz(pairs=b"cos\nsystem\n(S'true'\ntR."),
        b"",
        b"PK\x05\x06" + b"\0" * 18,
    ],
)
def test_an_array_with_objects_or_a_wrong_size_is_rejected(arrays: bytes) -> None:
    files = bundle_to_files(hand_bundle())
    with pytest.raises(BundleError):
        bundle_from_files(files | {"arrays.npz": arrays})


def test_an_npz_larger_than_any_bundle_is_not_decompressed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("detector.decision.bundle_arrays.LARGEST_BUNDLE", 1 << 20)
    bomb = io.BytesIO()
    np.savez_compressed(bomb, pairs=np.zeros(1 << 20))
    assert len(bomb.getvalue()) < 50_000
    with pytest.raises(BundleError, match="unpacks to more than 1048576 bytes"):
        bundle_from_files(bundle_to_files(hand_bundle()) | {"arrays.npz": bomb.getvalue()})


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "", "."])
def test_a_manifest_cannot_name_a_file_outside_its_bundle(tmp_path: Path, name: str) -> None:
    place = tmp_path / "bundle"
    write_bundle(hand_bundle(), place)
    (tmp_path / "secret").write_text("secret")
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["files"][name] = {
        "sha256": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
        "bytes": 6,
    }
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="names a file that no bundle has"):
        read_bundle(place)


def test_a_file_larger_than_any_bundle_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(hand_bundle(), tmp_path / "bundle")
    monkeypatch.setattr(bundles, "LARGEST", dict.fromkeys(LARGEST, 100))
    with pytest.raises(BundleError, match="missing or damaged"):
        read_bundle(tmp_path / "bundle")


# Policies and settings

TOML = [
    "a = " + "[" * 50_000,
    "a = " + "9" * 10_000,
    "a = '\ud800'"[:5],
    "a.b.c" * 5_000,
    "\0",
    "a = 1\na = 2",
]


@pytest.mark.parametrize("text", TOML)
def test_toml_that_breaks_a_parser_is_rejected_with_an_explanation(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(PolicyError, match="not TOML"):
        parse_policy(text)
    path = tmp_path / "misfire.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match="not TOML"):
        load(path, {})


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400", "true", "'1'", "[]", "-1"])
def test_a_policy_with_invalid_numbers_is_rejected(number: str) -> None:
    text = hand_bundle().policy.text
    line = next(line for line in text.splitlines() if line.startswith("base_rate"))
    with pytest.raises(PolicyError, match="base_rate"):
        parse_policy(text.replace(line, f"base_rate = {number}"))


def test_a_household_named_like_a_path_stays_a_name() -> None:
    from streams.worker.table import Households
    from tests.streams.fakes import FakeKafka, FakeTable

    name = "../../../etc/passwd"
    households = Households(FakeTable(FakeKafka()))
    assert households.get(name).state.household_id == name
    value: Any = replace(event(1), household_id=name)
    assert INTENT.decode_strictly(INTENT.encode(value)) == value
