from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pyrage
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import UsageError
from streams.kafka.topics import DEAD_LETTERS, HOUSEHOLDS, REPLIES
from streams.privacy import archive
from streams.privacy.archive import ForeignRecordError, Opened, open_archive, recipient, seal
from streams.privacy.holdings import SOURCES, Holding, collect
from tests.streams.privacy.log import (
    FakeLog,
    home,
    intent_of,
    state_with,
    town_log,
    with_fields,
    with_text,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEY = pyrage.x25519.Identity.generate()
_HOME = re.compile(rb"h1_[0-9]{5}f")
_TURNS = 3


def exported(log: FakeLog, number: int) -> Opened:
    sealed = seal(home(number), collect(home(number), log.read), NOW, [KEY.to_public()])
    return open_archive(sealed, str(KEY))


def everything(opened: Opened) -> bytes:
    return json.dumps(opened.manifest).encode() + b"".join(
        line for of in opened.lines.values() for line in of
    )


def test_an_archive_contains_all_records_of_one_household_and_verifies() -> None:
    opened = exported(town_log(5, _TURNS), 3)

    assert not opened.problems
    assert {source: len(lines) for source, lines in opened.lines.items()} == {
        **dict.fromkeys(SOURCES, 0),
        **dict.fromkeys(("assistant.intents", "assistant.decisions", "assistant.outcomes"), _TURNS),
        **dict.fromkeys((HOUSEHOLDS, REPLIES, DEAD_LETTERS), 1),
    }
    (state,) = opened.lines[HOUSEHOLDS]
    assert json.loads(state)["record"]["state"]["events"] == _TURNS
    source = next(entry for entry in opened.manifest["sources"] if entry["source"] == HOUSEHOLDS)
    assert (source["superseded"], source["read"]) == (_TURNS - 1, 5 * _TURNS)
    assert set(_HOME.findall(everything(opened))) == {home(3).encode()}


#: Damages a record of household 1: arguments are the log, the record's number, another household.
Corruption = Callable[[FakeLog, int, int], None]


def wrong_key(log: FakeLog, number: int, other: int) -> None:
    log.change(number, key=home(other).encode())


def no_key(log: FakeLog, number: int, _: int) -> None:
    log.change(number, key=None)


def swapped_values(log: FakeLog, number: int, other: int) -> None:
    theirs = next(i for i, held in enumerate(log.records) if held.key == home(other).encode())
    mine, yours = log.records[number].value, log.records[theirs].value
    log.change(number, value=yours)
    log.change(theirs, value=mine)


def swapped_partitions(log: FakeLog, number: int, other: int) -> None:
    log.swap_partitions(number, other % len(log.records))


def hidden_inside(log: FakeLog, number: int, other: int) -> None:
    value = with_fields(log.records[number].value, more=[{"household_id": home(other)}])
    log.change(number, value=value)


def beside_itself(log: FakeLog, number: int, other: int) -> None:
    first = b'{"household_id": "' + home(other).encode() + b'", '
    value = with_text(log.records[number].value, lambda text: first + text[1:])
    log.change(number, value=value)


def unknown_text(log: FakeLog, number: int, other: int) -> None:
    value = with_fields(log.records[number].value, note=f"about {home(other)}")
    log.change(number, value=value)


def torn(log: FakeLog, number: int, other: int) -> None:
    value = log.records[number].value or b""
    log.change(number, value=value[: len(value) // 2] + f'"{home(other)}"'.encode())


def foreign_state(log: FakeLog, _: int, other: int) -> None:
    log.add(HOUSEHOLDS, home(1), state_with(1, other))


CORRUPTIONS: list[Corruption] = [
    wrong_key,
    no_key,
    swapped_values,
    swapped_partitions,
    hidden_inside,
    beside_itself,
    unknown_text,
    torn,
    foreign_state,
]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(CORRUPTIONS), st.integers(0, 10_000), st.integers(2, 9)),
        max_size=6,
    ),
    st.integers(0, 9),
)
@pytest.mark.slow
def test_an_export_contains_no_foreign_byte(
    damage: list[tuple[Corruption, int, int]], asked: int
) -> None:
    log = town_log(10, 2)
    for corrupt, number, other in damage:
        corrupt(log, number % len(log.records), other)
    try:
        opened = exported(log, asked)
    except ForeignRecordError as refused:
        said = str(refused)
    else:
        said = ""
    if said:
        assert damage
        assert not _HOME.search(said.encode())
        return
    assert not opened.problems
    assert set(_HOME.findall(everything(opened))) <= {home(asked).encode()}
    if not damage:
        assert sum(map(len, opened.lines.values())) == 9


def test_a_state_with_another_households_data_prevents_the_export_and_is_named() -> None:
    log = town_log(4, 2)
    foreign_state(log, 0, 2)
    place = log.records[-1].place

    with pytest.raises(ForeignRecordError, match=re.escape(str(place))) as refused:
        exported(log, 1)

    assert not _HOME.search(str(refused.value).encode())
    assert not exported(log, 3).problems


@pytest.mark.parametrize("corrupt", [wrong_key, swapped_values])
def test_a_record_whose_key_and_content_disagree_is_left_out_of_the_export(
    corrupt: Corruption,
) -> None:
    log = town_log(4, 2)
    number = next(i for i, held in enumerate(log.records) if held.key == home(1).encode())
    corrupt(log, number, 2)
    place = log.records[number].place

    for asked in (1, 2):
        opened = exported(log, asked)
        assert set(_HOME.findall(everything(opened))) == {home(asked).encode()}
        entry = next(
            entry for entry in opened.manifest["sources"] if entry["source"] == place.topic
        )
        assert {
            "topic": place.topic,
            "partition": place.partition,
            "offset": place.offset,
        } in entry["disputed"]
    assert not exported(log, 3).problems


@pytest.mark.parametrize("corrupt", [hidden_inside, beside_itself])
def test_an_undeclared_field_named_household_id_does_not_affect_an_export(
    corrupt: Corruption,
) -> None:
    log = town_log(4, 2)
    number = next(i for i, held in enumerate(log.records) if held.key == home(1).encode())
    before = [everything(exported(log, asked)) for asked in (1, 2)]
    corrupt(log, number, 2)
    assert [everything(exported(log, asked)) for asked in (1, 2)] == before


@pytest.mark.slow
def test_hundreds_of_households_are_kept_apart() -> None:
    log, chance = town_log(500, 2), random.Random(6)
    for _ in range(75):
        number, other = chance.randrange(len(log.records)), chance.randrange(500)
        chance.choice([wrong_key, swapped_values, hidden_inside, beside_itself, torn])(
            log, number, other
        )
    chance.shuffle(log.records)
    for asked in chance.sample(range(500), 4):
        opened = exported(log, asked)
        assert not opened.problems
        assert set(_HOME.findall(everything(opened))) == {home(asked).encode()}


def test_an_unreadable_record_is_reported_and_not_exported() -> None:
    log = town_log(2, 2)
    number = log.add(DEAD_LETTERS, home(1), b'{"said": "half of it')
    place = log.records[number].place
    opened = exported(log, 1)
    assert b"half of it" not in everything(opened)
    entry = next(entry for entry in opened.manifest["sources"] if entry["source"] == DEAD_LETTERS)
    assert entry["unchecked"] == [
        {"topic": place.topic, "partition": place.partition, "offset": place.offset}
    ]


def test_only_the_requester_can_open_it() -> None:
    other = pyrage.x25519.Identity.generate()
    sealed = seal(home(1), collect(home(1), town_log(2, 2).read), NOW, [KEY.to_public()])
    assert b"h1_" not in sealed
    with pytest.raises(UsageError, match="not encrypted to that key"):
        open_archive(sealed, str(other))
    with pytest.raises(UsageError, match="not encrypted to that key"):
        open_archive(sealed[:-1] + bytes([sealed[-1] ^ 1]), str(KEY))
    for text in ("", "age1nonsense", "ssh-ed25519 nonsense", "AGE-SECRET-KEY-1"):
        with pytest.raises(UsageError, match="public key"):
            recipient(text)
    with pytest.raises(UsageError, match="key file"):
        open_archive(sealed, "AGE-SECRET-KEY-1")


def test_a_modified_archive_is_detected() -> None:
    holdings = collect(home(1), town_log(3, 2).read)
    sealed = seal(home(1), holdings, NOW, [KEY.to_public()])

    def changed(change: Callable[[dict[str, bytes]], object]) -> Opened:
        packed = zipfile.ZipFile(io.BytesIO(pyrage.decrypt(sealed, [KEY])))
        files = {name: packed.read(name) for name in packed.namelist()}
        change(files)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as again:
            for name, data in files.items():
                again.writestr(name, data)
        return open_archive(pyrage.encrypt(buffer.getvalue(), [KEY.to_public()]), str(KEY))

    name = "assistant.intents.jsonl"
    assert not changed(len).problems
    less = changed(
        lambda files: files.update({name: files[name].splitlines(keepends=True)[0]})
    ).problems
    assert [problem.partition(" ")[0] for problem in less] == ["assistant.intents"] * 2
    assert changed(lambda files: files.pop(name)).problems[0] == f"{name} is missing"
    assert (
        "not in the manifest" in changed(lambda files: files.update({"../../x": b""})).problems[0]
    )
    swapped = changed(
        lambda files: files.update({name: files[name].replace(b"00001f", b"00002f")})
    ).problems
    assert any("do not belong to this household alone" in problem for problem in swapped)


def test_a_file_that_is_not_an_archive_is_rejected_with_an_explanation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for data in (b"", b"PK\x05\x06" + b"\0" * 18):
        with pytest.raises(UsageError, match="not an export of misfire"):
            open_archive(pyrage.encrypt(data, [KEY.to_public()]), str(KEY))
    sealed = seal(home(1), collect(home(1), town_log(2, 2).read), NOW, [KEY.to_public()])
    monkeypatch.setattr(archive, "LARGEST_UNPACKED", 1_000)
    with pytest.raises(UsageError, match="more than 1000 bytes"):
        open_archive(sealed, str(KEY))


def test_a_foreign_line_that_passed_collection_prevents_the_archive() -> None:
    """The archive checks the owners again and does not rely on ``collect``."""
    stray = Holding("assistant.intents", lines=[b'{"record": {"household_id": "h1_00002f"}}\n'])
    with pytest.raises(ForeignRecordError):
        seal(home(1), [stray], NOW, [KEY.to_public()])
    assert intent_of(2, 0).household_id == home(2)
