import json
from pathlib import Path

import pytest

from streams.files.bundles import write_bundle
from streams.files.events import write_events
from streams.wire.records import INTENT
from tests.commands import misfire
from tests.detector.builders import event, hand_bundle
from tests.detector.town import town

HOME = [each for each in town(households=2, sessions=12) if each.household_id == "home0"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    write_bundle(hand_bundle(), path)
    return path


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "home.jsonl.gz"
    write_events(path, HOME)
    return path


def test_a_scan_lists_chains_with_their_bits(log: Path, bundle: Path) -> None:
    ended = misfire("scan", log, "--bundle", bundle, "--top", "3", "--json", "-")

    found = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert (found["events"], found["households"]) == (len(HOME), 1)
    assert found["bad_lines"] == {"count": 0, "listed": []}
    assert len(found["findings"]) == 3
    assert all(each["steps"] and each["expected"] for each in found["findings"])
    assert "bits)" in ended.stderr
    assert "What the bundle would have decided" in ended.stderr


def test_a_page_is_written(log: Path, bundle: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    ended = misfire("scan", log, "--bundle", bundle, "--html", page, "--timezone", "Europe/Berlin")

    assert ended.returncode == 0
    assert "home.jsonl.gz" in page.read_text("utf-8")
    assert "Europe/Berlin" in page.read_text("utf-8")


def test_a_page_that_cannot_be_written_is_an_error(log: Path, bundle: Path) -> None:
    ended = misfire("scan", log, "--bundle", bundle, "--html", "/nowhere/page.html")

    assert ended.returncode == 3
    assert "/nowhere/page.html" in ended.stderr


def test_bad_lines_are_listed_and_the_rest_is_scanned(bundle: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\n".join([INTENT.encode(HOME[0]), b"{", *map(INTENT.encode, HOME[1:])]))

    ended = misfire("scan", log, "--bundle", bundle, "--json", "-")

    found = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert found["events"] == len(HOME)
    assert found["bad_lines"] == {
        "count": 1,
        "listed": [{"line": 2, "problem": "the value is not JSON"}],
    }
    assert "1 bad line was skipped" in ended.stderr


def test_a_log_without_commands_is_not_an_error(bundle: Path, tmp_path: Path) -> None:
    write_events(tmp_path / "log", [event(0)])

    ended = misfire("scan", tmp_path / "log", "--bundle", bundle, "--json", "-")

    assert ended.returncode == 0
    assert json.loads(ended.stdout)["findings"] == []
    assert "contains no commands" in ended.stderr


def test_an_unknown_time_zone_is_a_usage_error(log: Path, bundle: Path) -> None:
    for name in ("Europe/Nowhere", "../etc/passwd", "/etc"):
        ended = misfire("scan", log, "--bundle", bundle, f"--timezone={name}")

        assert ended.returncode == 2
        assert "--timezone" in ended.stderr


def test_a_missing_bundle_is_named(log: Path, tmp_path: Path) -> None:
    ended = misfire("scan", log, "--bundle", tmp_path / "nothing")

    assert ended.returncode == 3
    assert "nothing" in ended.stderr
