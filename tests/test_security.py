"""SECURITY.md names tests as its evidence: each has to be there."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "SECURITY.md").read_text()
#: Arrows of the picture, as the headings of their tables.
ARROWS = 7


def test_every_test_that_is_named_exists() -> None:
    there = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert named
    assert not named - there


def test_every_threat_has_its_test_or_says_that_nothing_is_built() -> None:
    tables = re.split(r"^### ", TEXT, flags=re.M)[1:]
    assert len(tables) == ARROWS
    for table in tables:
        rows = [row for row in table.splitlines() if re.match(r"\| [STRIDE] \|", row)]
        assert {row[2] for row in rows} == set("STRIDE"), table.splitlines()[0]
        assert not [row for row in rows if "`test_" not in row and "not built yet" not in row]
