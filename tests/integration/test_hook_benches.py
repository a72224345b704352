from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.stream import bundle_on_disk

pytestmark = pytest.mark.slow


def test_the_hook_is_compared_with_aiokafka_in_one_run(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    command = [sys.executable, "-m", "streams.cli", "bench", "hook", "--bundle", str(place)]
    command += ["--ways", "ad", "--rates", "20", "--seconds", "1", "--json", "-"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert ended.returncode == 0, ended.stderr
    rows = {row["way"]: row for row in json.loads(ended.stdout)["rows"]}
    assert rows["a"]["figures"]["answers"] == {"answered": 20}
    assert rows["d"]["figures"]["answers"] == {"gateway": 20}
    assert rows["a"]["ratio"] == 1.0
    assert rows["a"]["figures"]["p50_ms"] <= rows["a"]["figures"]["p99_ms"]


def test_a_storm_is_reported_by_rung_and_every_call_is_answered(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    command = [sys.executable, "-m", "streams.cli", "bench", "storm", "--bundle", str(place)]
    command += [
        "--trouble",
        "queue full",
        "--trouble",
        "gateway killed",
        "--rate",
        "10",
        "--json",
        "-",
    ]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    # Missed deadlines depend on the load of the machine. Check that every call was answered, and by
    # which rung.
    assert ended.returncode in (0, 1), ended.stderr
    report = json.loads(ended.stdout)
    assert [row["trouble"] for row in report["rows"]] == ["queue full", "gateway killed"]
    for row in report["rows"]:
        assert 0 < sum(row["answered"].values()) == row["calls"]
        assert row["answered"].keys() <= {"worker", "gateway", "policy"}
        assert row["answered"]["policy"] > 0


def test_an_attack_is_compared_with_normal_traffic(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    command = [sys.executable, "-m", "streams.cli", "bench", "attacks", "--bundle", str(place)]
    command += ["--attack", "header sent slowly", "--rate", "20", "--seconds", "1", "--json", "-"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(ended.stdout)["rows"]
    assert row["calm"]["answers"]["gateway"] == row["attacked"]["answers"]["gateway"] == 20
    assert row["ratio"] > 0
