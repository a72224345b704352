from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stream import bundle_on_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def bench(tmp_path: Path, name: str, *options: str) -> Any:
    """Run a benchmark on the embedded broker; return its JSON."""
    _, place = bundle_on_disk(tmp_path)
    command = [sys.executable, "-m", "streams.cli", "bench", name, "--bundle", str(place)]
    ended = subprocess.run(
        [*command, *options, "--json", "-"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode in (0, 1), ended.stderr
    return json.loads(ended.stdout)


def test_a_worker_recovers_and_serves_the_households_of_the_changelog(tmp_path: Path) -> None:
    options = ["--households", "40,80", "--versions", "2", "--worked", "30", "--simulated", "2"]
    rows = bench(tmp_path, "recovery", *options)

    assert [row["households"] for row in rows] == [40, 80]
    assert [row["records"] for row in rows] == [80, 160]
    assert [row["worked"] for row in rows] == [30, 30]
    for row in rows:
        assert 0 < row["recovery_seconds"] <= row["start_seconds"]
        assert row["ready_mib"] <= row["peak_mib"]


@pytest.mark.nightly
def test_a_short_soak_is_answered_and_measured(tmp_path: Path) -> None:
    found = bench(tmp_path, "soak", "--minutes", "0.1", "--rate", "10", "--warm-up", "20")

    assert found["calls"] == sum(found["answers"].values()) == 60
    assert found["dead_letters"] == 0
    assert found["parts"].keys() == {"worker", "gateway", "broker"}
    assert found["parts"]["worker"]["mib"] > 0
