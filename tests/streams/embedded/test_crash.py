"""A process that is killed between any two statements loses and repeats nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, OutcomeKind
from streams.embedded import household_file
from streams.embedded.home import Home
from streams.embedded.household_file import HouseholdFile
from streams.wire.records import INTENT
from streams.wire.state.packing import Stored
from tests.detector.builders import (
    CONFIRMATION_KEY,
    DOUBTFUL,
    START,
    SURE,
    given_to,
    hand_bundle,
    heard,
    outcome,
    send_message,
)

BUNDLE = hand_bundle()
Step = Callable[[Home], object]


def later(events: list[IntentEvent], minutes: int) -> list[IntentEvent]:
    return [replace(each, time=each.time + timedelta(minutes=minutes)) for each in events]


#: Two sessions that are learned, a question that is confirmed, and a third session that learns.
FIRST = heard(send_message(), SURE)
ASKED = later(heard(send_message(10, session="s2"), DOUBTFUL), 60)
LAST = later(heard(send_message(20, session="s3"), SURE), 120)


def steps() -> list[Step]:
    def decide(event: IntentEvent) -> Step:
        return lambda home: home.decide(event, event.seconds)

    def confirm(home: Home) -> object:
        asked = home.decide(ASKED[-1], ASKED[-1].seconds)
        return home.answer(given_to(asked), ASKED[-1].seconds + 5)

    done = outcome("e2", OutcomeKind.EXECUTED, seconds=30)
    return [
        *map(decide, FIRST),
        lambda home: home.report(done, START.timestamp() + 30),
        *map(decide, ASKED),
        confirm,
        *map(decide, LAST),
    ]


def opened(path: Path) -> Home:
    file = HouseholdFile(path, patience=1.0)
    return Home(file, BUNDLE, confirmation_key=CONFIRMATION_KEY, keep_days=30.0)


def content(home: Home) -> tuple[Stored, list[str]]:
    """Return the household's state, and the ids of the events that are kept."""
    with home.file.transaction() as transaction:
        kept = [
            INTENT.decode(each.value) for each in transaction.records() if "intent" in each.type
        ]
        return transaction.stored("h1"), [each.event_id for each in kept]


def killed_at(statement: int, path: Path) -> tuple[int, bool]:
    """Run the steps in a child that is killed when it begins a statement of this number.

    Return how many steps it completed, and whether it was killed.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        left = statement

        def count(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        connect = sqlite3.connect

        def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            file: sqlite3.Connection = connect(*args, **kwargs)
            file.set_trace_callback(count)
            return file

        try:
            with mock.patch.object(sqlite3, "connect", traced):
                home = opened(path)
                for step in steps():
                    step(home)
                    os.write(writer, b".")
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as completed:
        count_of_steps = len(completed.read())
    _, status = os.waitpid(child, 0)
    return count_of_steps, os.WIFSIGNALED(status)


def test_a_kill_between_any_two_statements_loses_and_repeats_nothing(tmp_path: Path) -> None:
    reference = opened(tmp_path / "reference.db")
    wanted = [step(reference) for step in steps()]
    state, events = content(reference)
    assert state.state.learned == 2
    assert len(events) == 9

    statement, alive = 0, False
    while not alive:
        statement += 1
        path = tmp_path / f"{statement}.db"
        completed, was_killed = killed_at(statement, path)
        alive = not was_killed
        home = opened(path)
        # The runtime got no answer to the step that was interrupted, and repeats it.
        repeated = [step(home) for step in steps()[completed:]]
        decisions = [each for each in repeated if isinstance(each, Decision)]
        assert decisions == [each for each in wanted[completed:] if isinstance(each, Decision)]
        found, kept = content(home)
        assert kept == events, statement
        assert found == state, statement
        home.file.close()
    assert statement > 50


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    home = opened(tmp_path / "home.db")
    home.decide(FIRST[0], FIRST[0].seconds)
    before = content(home)
    with home.file.transaction() as transaction:
        transaction._file.execute(
            "CREATE TRIGGER full BEFORE INSERT ON records WHEN new.type LIKE '%decision%'"
            " BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(household_file.FileError) as raised:
        home.decide(FIRST[1], FIRST[1].seconds)
    assert raised.value.code == "file_unavailable"
    assert content(home) == before
    with home.file.transaction() as transaction:
        transaction._file.execute("DROP TRIGGER full")
    assert home.decide(FIRST[1], FIRST[1].seconds).event_id == "e1"
