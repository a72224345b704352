"""Runs a home's steps in children that are killed, in a process of its own without threads.

``python -m tests.streams.embedded.crashing FOLDER`` kills a child before its first statement, the
next before its second, and so on, until one survives. Each has a file of its own in the folder. It
prints how many steps each child completed, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from detector.contracts.events import IntentEvent, OutcomeKind
from streams.embedded import household_file
from streams.embedded.home import Home
from streams.embedded.household_file import HouseholdFile
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

    def checkpoint(home: Home) -> None:
        with mock.patch.object(household_file, "_CHECKPOINT_EVERY", 1):
            home.tidy()

    done = outcome("e2", OutcomeKind.EXECUTED, seconds=30)
    return [
        *map(decide, FIRST),
        Home.tidy,
        lambda home: home.report(done, START.timestamp() + 30),
        *map(decide, ASKED),
        confirm,
        Home.tidy,
        *map(decide, LAST),
        checkpoint,
    ]


def opened(path: Path) -> Home:
    file = HouseholdFile(path, patience=1.0)
    return Home(file, BUNDLE, confirmation_key=CONFIRMATION_KEY, keep_days=30.0)


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


if __name__ == "__main__":
    folder, found, alive = Path(sys.argv[1]), list[int](), False
    while not alive:
        completed, was_killed = killed_at(len(found) + 1, folder / f"{len(found) + 1}.db")
        found.append(completed)
        alive = not was_killed
    print(json.dumps(found))
