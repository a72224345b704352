from dataclasses import replace

import pytest

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.evaluation.scan import Scan, scan
from tests.detector.builders import policy
from tests.detector.town import town


@pytest.fixture(scope="module")
def haunted() -> list[IntentEvent]:
    """Return a town with one purchase by a household that never shops."""
    events = town(households=9, sessions=20, seed=5)
    shops = {each.household_id for each in events if each.domain == "shopping"}
    home = next(each for each in events if each.household_id not in shops and each.commits)
    phantom = next(each for each in events if each.intent == "shopping.BuyItem" and each.commits)
    stray = replace(
        home,
        event_id="phantom",
        intent=phantom.intent,
        act=phantom.act,
        slots=phantom.slots,
        session_id="phantom-session",
        wake_confidence=0.05,
    )
    return sorted([*events, stray], key=lambda each: (each.time, each.event_id))


@pytest.fixture(scope="module")
def found(haunted: list[IntentEvent]) -> Scan:
    return scan(haunted, policy(), top=10)


def test_misfires_are_among_the_first_findings(found: Scan) -> None:
    assert "phantom" in [finding.event_id for finding in found.findings[:5]]


@pytest.mark.slow
def test_a_scan_is_ordered_bounded_and_repeatable(haunted: list[IntentEvent], found: Scan) -> None:
    assert found == scan(haunted, policy(), top=10)
    assert found.events == len(haunted)
    assert found.commands == sum(each.commits for each in haunted)
    assert len(found.findings) == 10
    ratios = [finding.ratio_bits for finding in found.findings]
    assert ratios == sorted(ratios, reverse=True)
    assert 0 <= found.touched <= found.budget


def test_a_finding_has_place_time_and_expected_events(
    haunted: list[IntentEvent], found: Scan
) -> None:
    by_id = {each.event_id: each for each in haunted}
    for finding in found.findings:
        event = by_id[finding.event_id]
        assert (finding.household_id, finding.time, finding.intent) == (
            event.household_id,
            event.time,
            event.intent,
        )
        assert len(finding.steps) >= 1
        assert finding.steps[-1].intent == event.intent
        assert finding.steps[-1].act == event.act
        assert all(step.bits > 0 for step in finding.steps)
        assert len(finding.expected) == 3
        assert 0 < finding.p_value <= 1


def test_a_log_that_is_too_short_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="at least 6 households"):
        scan(town(households=3, sessions=3), policy())
