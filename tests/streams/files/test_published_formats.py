"""Bundles of published versions still decide, or are refused with a sentence that says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.errors import BundleError
from streams.files.bundles import created_at, read_bundle
from tests.commands import misfire
from tests.detector.builders import ABSURD, SURE, heard, run, send_message

PUBLISHED = Path(__file__).with_name("bundles")
#: Each version that wrote bundles, and the format it wrote.
FORMATS = {"0.1.0": 4, "0.2.0": 5}
#: What a household's message, heard clearly and hardly at all, is decided as.
VERDICTS = {SURE: Verdict.ALLOW, ABSURD: Verdict.BLOCK}


def test_a_bundle_of_every_version_is_kept() -> None:
    kept = {
        place.name: json.loads((place / "manifest.json").read_text())["format"]
        for place in PUBLISHED.iterdir()
        if place.is_dir()
    }
    assert kept == FORMATS


@pytest.mark.parametrize("version", ["0.2.0"])
def test_a_bundle_of_this_version_or_an_earlier_one_decides_as_it_did(version: str) -> None:
    bundle = read_bundle(PUBLISHED / version)
    manifest = json.loads((PUBLISHED / version / "manifest.json").read_text())
    assert bundle.version == manifest["version"]
    for wake, verdict in VERDICTS.items():
        decisions, _ = run(heard(send_message(), wake), bundle)
        assert (decisions[-1].bundle, decisions[-1].verdict) == (bundle.version, verdict)


def test_a_bundle_of_0_1_0_has_to_be_trained_again() -> None:
    """It has no hours of intents and no training report, so nothing can stand in for them."""
    place = PUBLISHED / "0.1.0"
    with pytest.raises(BundleError) as caught:
        read_bundle(place)
    assert str(caught.value) == (
        f"the bundle in {place} has format 4, but this version reads format 5; train it again with "
        "'misfire train'"
    )
    assert created_at(place) == 1795954941.0


@pytest.mark.parametrize("command", ["show", "check"])
def test_the_command_line_says_so_as_well(command: str) -> None:
    done = misfire("bundle", command, PUBLISHED / "0.1.0")
    assert done.returncode == 3
    assert "has format 4, but this version reads format 5" in done.stderr
