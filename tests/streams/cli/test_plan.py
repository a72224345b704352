from __future__ import annotations

import json
from pathlib import Path

from tests.commands import misfire

GOLDEN = Path(__file__).with_name("plan.json")


def test_a_plan_is_as_recorded() -> None:
    """After a new measurement: misfire plan --households 100000 --price-core 20 --json FILE."""
    ended = misfire("plan", "--households", 100_000, "--price-core", 20, "--json", "-")
    assert ended.returncode == 0
    assert json.loads(ended.stdout) == json.loads(GOLDEN.read_text("utf-8"))


def test_all_problems_are_reported_at_once() -> None:
    ended = misfire("plan", "--households", 0, "--replication", 99, "--price-core", -1)
    assert ended.returncode == 2
    for option in ("--households 0", "--replication 99", "--price-core -1"):
        assert option in ended.stderr
