"""A process that is killed between any two statements loses and repeats nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from detector.contracts.decisions import Decision
from streams.embedded import household_file
from streams.embedded.home import Home
from streams.wire.records import INTENT
from streams.wire.state.packing import Stored
from tests.streams.embedded.crashing import FIRST, opened, steps


def content(home: Home) -> tuple[Stored, list[str]]:
    """Return the household's state, and the ids of the events that are kept."""
    with home.file.transaction() as transaction:
        kept = [
            INTENT.decode(each.value) for each in transaction.records() if "intent" in each.type
        ]
        return transaction.stored("h1"), [each.event_id for each in kept]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a kill needs no disk, and a hundred syncs are slow."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as found:
        yield Path(found)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_kill_between_any_two_statements_loses_and_repeats_nothing(folder: Path) -> None:
    reference = opened(folder / "reference.db")
    wanted = [step(reference) for step in steps()]
    state, events = content(reference)
    assert state.state.learned == 2
    assert len(events) == 9

    done = subprocess.run(
        [sys.executable, "-m", "tests.streams.embedded.crashing", folder],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[3],
    )
    for statement, completed in enumerate(json.loads(done.stdout), 1):
        home = opened(folder / f"{statement}.db")
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
