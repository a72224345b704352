"""Check that the tests that SECURITY.md names exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "SECURITY.md").read_text()
#: The number of data flows, each with a heading and a table.
DATA_FLOWS = 8


def test_every_named_test_exists() -> None:
    existing = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert named
    assert not named - existing


def test_every_threat_names_a_test_or_says_not_built_yet() -> None:
    tables = re.split(r"^### ", TEXT, flags=re.M)[1:]
    assert len(tables) == DATA_FLOWS
    for table in tables:
        rows = [row for row in table.splitlines() if re.match(r"\| [STRIDE] \|", row)]
        assert {row[2] for row in rows} == set("STRIDE"), table.splitlines()[0]
        assert not [row for row in rows if "`test_" not in row and "not built yet" not in row]
