from __future__ import annotations

import json
from pathlib import Path

import pyrage
import pytest

from streams.embedded.home import Home
from streams.embedded.household_file import HouseholdFile
from streams.errors import DependencyUnavailable, UsageError
from streams.privacy.archive import open_archive
from streams.privacy.household_files import collected_in_file, the_household
from streams.wire.state.packing import pack
from tests.commands import misfire
from tests.detector.builders import SURE, event, hand_bundle, heard, send_message


@pytest.fixture
def home_file(tmp_path: Path) -> Path:
    path = tmp_path / "home.db"
    file = HouseholdFile(path, patience=1.0)
    home = Home(file, hand_bundle(), confirmation_key=None, keep_days=30.0)
    for each in heard(send_message(), SURE):
        home.decide(each, each.seconds)
    file.close()
    return path


def add_household(path: Path, household_id: str) -> None:
    file = HouseholdFile(path, patience=1.0)
    home = Home(file, hand_bundle(), confirmation_key=None, keep_days=30.0)
    home.decide(event(70, household_id=household_id), event().seconds)
    file.close()


def test_a_file_is_counted_by_topic(home_file: Path) -> None:
    add_household(home_file, "h2")
    found = {each.source: each.records for each in collected_in_file(home_file, "h1")}
    assert {source: count for source, count in found.items() if count} == {
        "assistant.intents": 3,
        "assistant.decisions": 3,
        "misfire.households": 1,
    }


def test_the_only_household_needs_no_name(home_file: Path, tmp_path: Path) -> None:
    assert the_household(home_file) == "h1"
    add_household(home_file, "h2")
    with pytest.raises(UsageError, match="has 2 households: h1, h2; name one"):
        the_household(home_file)
    with pytest.raises(DependencyUnavailable, match=r"nothing\.db cannot be used"):
        the_household(tmp_path / "nothing.db")


def test_a_file_is_exported_verified_and_erased(home_file: Path, tmp_path: Path) -> None:
    identity, out = pyrage.x25519.Identity.generate(), tmp_path / "export.age"
    shown = misfire("household", "show", "--embedded", str(home_file), "--json", "-")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["household_id"] == "h1"

    target = ("--to", str(identity.to_public()), "--out", str(out))
    exported = misfire("household", "export", *target, "--embedded", str(home_file))
    assert exported.returncode == 0, exported.stderr
    opened = open_archive(out.read_bytes(), str(identity))
    assert opened.problems == ()
    assert len(opened.lines["assistant.intents"]) == 3

    erased = misfire("household", "erase", "h1", "--embedded", str(home_file))
    assert erased.returncode == 0, erased.stderr
    assert b"SendMessage" not in home_file.read_bytes()
    assert collected_in_file(home_file, "h1")[0].records == 0


def test_a_state_with_another_households_data_is_not_exported(home_file: Path) -> None:
    add_household(home_file, "h2")
    file = HouseholdFile(home_file, patience=1.0)
    with file.transaction() as transaction:
        foreign = pack(transaction.stored("h2"))
        transaction._file.execute(
            "UPDATE households SET state = ? WHERE household_id = 'h1'", (foreign,)
        )
    file.close()
    holdings = {each.source: each for each in collected_in_file(home_file, "h1")}
    assert len(holdings["misfire.households"].disputed) == 1
