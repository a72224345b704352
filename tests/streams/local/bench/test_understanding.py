from __future__ import annotations

import os
from pathlib import Path

import pytest

from detector.contracts.events import INTENT_FORM
from detector.simulation.misfires import Heard
from streams.files.slurp import read_slurp
from streams.files.understanding import OTHER, Understanding
from streams.local.bench.understanding import EXPECTED, measure_understanding

HEARD = [
    Heard("lights out", "lights out", "iot.Huelightoff", "iot.Huelightoff"),
    Heard("lights out", "light south", "iot.Huelightoff", "iot.Huelighton"),
    Heard("dim it", "dim it", "iot.Huelightdim", "iot.Huelightdim"),
    Heard("what", "what", "qa.Factoid", "qa.Factoid"),
    Heard("hm", "hm", "unheard.Of", "unheard.Of"),
]
INTENTS = {"lights out": "light.HassTurnOff", "dim it": "light.HassTurnOn", "what": OTHER}


def test_shares_of_different_references() -> None:
    found = measure_understanding(HEARD, lambda text: INTENTS.get(text, "news.Read"))
    whole = found["all"]
    assert (whole.texts, whole.understood, whole.right, whole.right_domain) == (4, 0.75, 0.25, 0.5)
    assert found["tuned"].texts + found["held out"].texts == 4


def test_expected_intents_have_the_form_of_one() -> None:
    for meant, intents in EXPECTED.items():
        assert all(map(INTENT_FORM.fullmatch, (meant, *intents)))


@pytest.mark.slow
def test_the_shares_on_slurp() -> None:
    if "MISFIRE_DATA" not in os.environ:
        pytest.skip("MISFIRE_DATA does not name a folder that holds slurp")
    understanding = Understanding()
    heard = read_slurp(Path(os.environ["MISFIRE_DATA"]) / "slurp")
    found = measure_understanding(heard, lambda text: understanding.of(text).intent)
    assert found["all"].understood > 0.85
    assert found["held out"].right > 0.68
