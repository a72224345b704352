"""The round trip: a made-up home's voice history, imported and scanned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.files.events import read_labels
from tests.commands import misfire
from tests.streams.files.importers.made_up_home import DISCARDED, PHANTOMS, history


@pytest.mark.slow
def test_from_a_download_to_the_list_in_two_commands(tmp_path: Path) -> None:
    log, stream, found = (tmp_path / name for name in ("h.json", "home.jsonl.gz", "found.json"))
    log.write_text(json.dumps(history()))

    imported = misfire("import", "alexa", log, "--output", stream)
    assert imported.returncode == 0, imported.stderr
    assert len(read_labels(tmp_path / "home.labels.jsonl")) == DISCARDED

    scanned = misfire("scan", stream, "--top", "10", "--json", found)
    assert scanned.returncode == 0, scanned.stderr
    findings = json.loads(found.read_text())["findings"]
    listed = {(each["time"][:10], each["intent"]) for each in findings}
    television = {("2026-02-25", "shopping.BuyItem"), ("2026-03-03", "cover.HassTurnOn")}
    assert television <= listed
    assert len(television) < len(PHANTOMS)  # the unlocking is not among the first ten
