from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle, bundle_to_files
from detector.decision.decide import decide
from detector.household.grouping import sessions_by_household
from detector.household.state import HouseholdState
from detector.training.crossfit import CrossFit
from detector.training.train import train
from tests.detector.builders import policy, run
from tests.detector.town import town

SMALL = town(households=6, sessions=6)


@pytest.mark.slow
def test_the_bytes_depend_on_the_seed_only_and_progress_reaches_its_total() -> None:
    calls: list[tuple[str, int, int]] = []
    first, again = (train(SMALL, policy(), seed=3).bundle for _ in range(2))
    other = train(SMALL, policy(), seed=4, progress=lambda *call: calls.append(call)).bundle

    assert bundle_to_files(first) == bundle_to_files(again)
    assert other.version != first.version
    stages = dict.fromkeys(stage for stage, _, _ in calls)
    assert len(stages) >= 2
    assert all(0 <= done <= total for _, done, total in calls)
    for stage in stages:
        assert [(done, total) for name, done, total in calls if name == stage and done == total]


@pytest.mark.parametrize(("households", "folds"), [(6, 3), (59, 3), (60, 6)])
def test_more_households_give_more_folds(households: int, folds: int) -> None:
    found = CrossFit(
        sessions_by_household(town(households=households, sessions=2)), policy()
    ).folds()
    assert len(found) == folds
    assert sorted(name for fold in found for name in fold.names) == sorted(
        f"home{n}" for n in range(households)
    )


def test_calibration_uses_every_command_once(
    trained: Bundle, population: list[IntentEvent]
) -> None:
    commands = Counter(
        trained.policy.risk_class(each.intent) for each in population if each.commits
    )
    scores: Counter[str] = Counter()
    for (risk, _), values in trained.calibration.scores.items():
        scores[risk] += len(values)
        assert np.isfinite(values).all()
        assert np.all(np.diff(values) >= 0)
    assert scores == commands


def test_meant_commands_of_other_households_keep_the_budget(trained: Bundle) -> None:
    """At most 1 % of unseen commands may be interrupted, give or take three standard errors."""
    events = [
        replace(each, household_id=f"new{each.household_id}", event_id=f"new{each.event_id}")
        for each in town(households=12, sessions=30, seed=99)
    ]
    states: dict[str, HouseholdState] = {}
    judged = interrupted = 0
    for each in events:
        before = states.get(each.household_id, HouseholdState.new(each.household_id))
        decision, states[each.household_id] = decide(before, each, trained, at=each.seconds)
        if decision.p_value is not None:
            judged += 1
            interrupted += decision.p_value <= 0.01
    assert judged > 200
    assert interrupted <= 0.01 * judged + 3 * (0.01 * 0.99 * judged) ** 0.5


def test_a_misfire_scores_higher_than_a_households_own_command(
    trained: Bundle, population: list[IntentEvent]
) -> None:
    """A stranger's command in a conversation scores higher than the household's own last one."""
    worse = compared = 0
    for name in sorted({each.household_id for each in population}):
        own = [each for each in population if each.household_id == name]
        decisions, state = run(own, trained)
        usual = [
            decision.misfire_probability
            for decision, each in zip(decisions, own, strict=True)
            if each.commits
        ]
        used = {each.domain for each in own}
        stranger = next(
            (each for each in population if each.commits and each.domain not in used), None
        )
        if stranger is None:
            continue
        injected = replace(
            stranger,
            household_id=name,
            event_id="injected",
            session_id=own[-1].session_id,
            time=own[-1].time,
        )
        decision, _ = decide(state, injected, trained, at=injected.seconds)
        assert decision.misfire_probability is not None
        compared += 1
        worse += decision.misfire_probability > float(
            np.median([one for one in usual if one is not None])
        )
    assert compared >= 3
    assert worse == compared


@pytest.mark.parametrize(
    "events",
    [[], town(households=5, sessions=6), [replace(each, commits=False) for each in SMALL]],
    ids=["nothing", "five households", "no commands"],
)
def test_too_little_data_is_refused_with_the_required_amount(events: list[IntentEvent]) -> None:
    with pytest.raises(NotEnoughData, match=r"at least 6 households .* has \d+ and \d+"):
        train(events, policy())


def test_an_untrained_command_is_never_silently_allowed(trained: Bundle) -> None:
    untrained = replace(SMALL[0], intent="email.SendEmail", commits=True, household_id="h1")
    decision, _ = decide(HouseholdState.new("h1"), untrained, trained, at=untrained.seconds)
    assert (decision.verdict, decision.abstained) == (Verdict.CONFIRM, True)
