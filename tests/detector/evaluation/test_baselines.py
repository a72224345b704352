import numpy as np
import pytest

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.evaluation.baseline_boosting import fit_boosting
from detector.evaluation.baselines import Ranking, baselines, compare
from detector.household.grouping import sessions_by_household
from detector.simulation.misfires import ChainLibrary, Mixture, inject
from tests.detector.builders import policy
from tests.detector.town import town

TOWN = town(households=6, sessions=10)
RATES = (0.01, 0.05)


def with_misfires(events: list[IntentEvent]) -> tuple[list[IntentEvent], set[str]]:
    households, rng = sessions_by_household(events), np.random.default_rng(1)
    library = ChainLibrary.from_sessions(sessions_by_household(TOWN))
    sessions = [each for found in households.values() for each in inject(found, library, rng)]
    misfires = {
        event.event_id
        for session in sessions
        for event, label in zip(session.events, session.labels, strict=True)
        if label is not None
    }
    woven = [event for session in sessions for event in session.events]
    return sorted(woven, key=lambda event: event.seconds), misfires


@pytest.mark.slow
def test_every_baseline_is_measured_reproducibly_and_boosting_beats_chance() -> None:
    events, misfires = with_misfires(town(households=4, sessions=12, seed=1))
    stages: list[tuple[str, int, int]] = []
    found, again = (
        baselines(
            TOWN,
            events,
            misfires,
            policy(),
            rates=RATES,
            progress=lambda *stage: stages.append(stage),
        )
        for _ in range(2)
    )
    assert again == found
    assert [each.name for each in found] == [
        "never seen here",
        "frequency here",
        "bigram with household prior",
        "time of day",
        "gradient boosting on counts",
    ]
    assert all(set(each.recall) == {"0.01", "0.05"} for each in found)
    assert found[-1].auroc > 0.6
    assert stages[-1] == ("counting for the baselines", 9, 9)


def test_a_stream_without_commands_is_refused() -> None:
    talk = [[event] for event in TOWN if not event.commits]
    with pytest.raises(NotEnoughData, match="--baselines"):
        fit_boosting({"h1": talk}, policy(), Mixture(), 0, lambda *_: None)


MODEL = Ranking("misfire", 0.8, {"0.01": 0.5})


def test_the_model_is_compared_with_the_best_baseline_of_each_measure() -> None:
    ranked = [Ranking("counting", 0.7, {"0.01": 0.6}), Ranking("boosting", 0.75, {"0.01": 0.1})]
    found = compare(MODEL, ranked)
    assert found.ahead == {"AUROC": (0.8, 0.75, "boosting")}
    assert found.behind == {"0.01": (0.5, 0.6, "counting")}


def test_a_tie_does_not_count_as_ahead() -> None:
    assert not compare(MODEL, [Ranking("same", 0.8, {"0.01": 0.5})]).ahead
