from __future__ import annotations

import numpy as np
import pytest

from detector.contracts.errors import NotEnoughData
from detector.evaluation.ablation import ablate
from detector.evidence import LAYERS, TERMS
from detector.household.grouping import sessions_by_household
from detector.simulation.misfires import ChainLibrary, inject
from tests.detector.builders import policy
from tests.detector.town import town

TOWN = town(households=6, sessions=6)


def test_layers_contain_every_term_once() -> None:
    assert [term for terms in LAYERS.values() for term in terms] == list(TERMS)


@pytest.mark.slow
def test_each_layer_and_each_term_is_left_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "detector.evaluation.ablation.LAYERS",
        {"sequence": LAYERS["sequence"][:2], "habits": LAYERS["habits"][:1]},
    )
    households = sessions_by_household(TOWN)
    sessions = inject(
        households["home0"], ChainLibrary.from_sessions(households), np.random.default_rng(1)
    )
    events = [event for session in sessions for event in session.events]
    misfires = {
        event.event_id
        for session in sessions
        for event, label in zip(session.events, session.labels, strict=True)
        if label is not None
    }
    stages: list[tuple[str, int, int]] = []

    found = ablate(TOWN, events, misfires, policy(), progress=lambda *stage: stages.append(stage))

    first, second, third = "chain_bits", "first_bits", LAYERS["habits"][0].name
    assert [(each.name, each.terms) for each in found] == [
        ("nothing", 0), ("sequence", 2), ("habits", 1), (first, 1), (second, 1), (third, 1),
    ]  # fmt: skip
    assert found[0].lost == 0.0
    for each in found:
        change = (
            sum(whole - recall for whole, recall in zip(found[0].recall, each.recall, strict=True))
            / 2
        )
        assert each.lost == pytest.approx(change, abs=1e-4)
    assert stages[-1] == ("judging without terms", 6, 6)


def test_a_stream_without_misfires_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="with both"):
        ablate(TOWN, TOWN, set(), policy())
