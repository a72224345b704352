from dataclasses import replace

import pytest

from detector.contracts.events import Act, IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.playing import play
from detector.evaluation.scan import Scan, scan
from detector.evaluation.scan.later import LATER_SESSIONS
from tests.detector.builders import ABSURD, DOUBTFUL, SURE, dialogue, event, hand_bundle, heard
from tests.detector.town import town


@pytest.fixture(scope="module")
def haunted() -> list[IntentEvent]:
    """Return one household's log with a purchase, although the household never shops."""
    events = town(households=9, sessions=30, seed=5)
    shops = {each.household_id for each in events if each.domain == "shopping"}
    home = next(each for each in events if each.household_id not in shops)
    events = [each for each in events if each.household_id == home.household_id]
    stray = replace(
        events[len(events) // 2],
        event_id="phantom",
        intent="shopping.BuyItem",
        act=Act.AFFIRM,
        commits=True,
        slots={},
        session_id="phantom-session",
        wake_confidence=0.05,
    )
    return sorted([*events, stray], key=lambda each: (each.time, each.event_id))


@pytest.fixture(scope="module")
def found(haunted: list[IntentEvent], trained: Bundle) -> Scan:
    return scan(haunted, trained, top=10)


def lights(number: int, wake: float, **fields: object) -> IntentEvent:
    """Return a one-shot command, one a day."""
    (only,) = dialogue(
        ("lights.TurnOn", Act.INITIATE, True),
        first=number,
        session=f"s{number}",
        days=float(number),
        wake_confidence=wake,
        **fields,
    )
    return only


def test_one_household_is_enough_to_find_its_misfire(found: Scan) -> None:
    assert found.households == 1
    assert "phantom" in [finding.event_id for finding in found.findings[:3]]


def test_a_scan_is_ordered_and_bounded(haunted: list[IntentEvent], found: Scan) -> None:
    assert found.events == len(haunted)
    assert found.commands == sum(each.commits for each in haunted)
    assert len(found.findings) == 10
    ratios = [finding.rank_bits for finding in found.findings]
    assert ratios == sorted(ratios, reverse=True)
    assert found.interrupted <= found.commands


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
        assert (finding.steps[-1].intent, finding.steps[-1].act) == (event.intent, event.act)
        assert all(step.bits > 0 for step in finding.steps)
        assert len(finding.expected) == 3


def test_a_command_is_judged_as_a_worker_would(trained: Bundle) -> None:
    # Before the first interruption, the worker's household has learned the same.
    events = [each for each in town(households=2, sessions=12) if each.household_id == "home0"]
    decisions = {
        event.event_id: decision for event, decision in play(events, trained) if event.commits
    }
    order = list(decisions)
    stopped = [name for name in order if decisions[name].verdict != "allow"]
    before = order[: order.index(stopped[0]) + 1] if stopped else order

    findings = {each.event_id: each for each in scan(events, trained, top=1000).findings}

    assert findings.keys() == decisions.keys()
    assert len(before) >= 1
    for name in before:
        finding, decision = findings[name], decisions[name]
        assert finding.misfire_probability == round(decision.misfire_probability or 0.0, 6)
        assert finding.verdict == decision.verdict
        assert finding.expected == (decision.expected or finding.expected)


def test_the_worst_are_kept_and_the_first_of_equal_ones() -> None:
    wakes = [SURE, DOUBTFUL, ABSURD, DOUBTFUL, SURE, ABSURD, DOUBTFUL]
    events = [lights(number, wake) for number, wake in enumerate(wakes)]

    found = scan(events, hand_bundle(), top=4)

    assert [each.event_id for each in found.findings] == ["e2", "e5", "e1", "e3"]


def test_households_may_alternate_within_a_batch() -> None:
    events = [
        lights(number, ABSURD if number == 5 else SURE, household_id=f"h{number % 2}")
        for number in range(600)
    ]

    worst = scan(events, hand_bundle(), top=1).findings[0]

    assert worst.event_id == "e5"
    assert worst.afterwards is not None
    assert worst.afterwards.sessions == LATER_SESSIONS


def test_verdicts_are_counted_by_class_and_hour() -> None:
    wakes = [SURE, SURE, ABSURD, SURE, SURE, SURE, SURE, SURE]
    events = [lights(number, wake) for number, wake in enumerate(wakes)]

    found = scan(events, hand_bundle())

    (risk,) = found.classes
    assert risk == "reversible"
    assert (found.classes[risk].commands, found.interrupted, found.days) == (8, 1, 8)
    # START is a Monday at 18:00 UTC; the command of the third day is interrupted.
    assert [day[18].commands for day in found.week] == [2, 1, 1, 1, 1, 1, 1]
    assert [day[18].interrupted for day in found.week] == [0, 0, 1, 0, 0, 0, 0]


def test_each_household_has_its_own_state() -> None:
    events = [
        lights(number, SURE, household_id=f"h{number % 3}", event_id=f"e{number}")
        for number in range(12)
    ]

    found = scan(events, hand_bundle())

    assert (found.households, found.commands) == (3, 12)


def test_a_log_without_commands_gives_an_empty_result() -> None:
    found = scan([event(0), event(1)], hand_bundle())

    assert (found.events, found.commands, found.findings) == (2, 0, ())
    assert found.thin == ("The log contains no commands: no event has commits set to true.",)
    assert scan([], hand_bundle()).events == 0


def test_commands_that_the_bundle_cannot_judge_are_counted_and_named() -> None:
    events = [lights(0, SURE), replace(lights(1, SURE), intent="oven.Preheat")]

    found = scan(events, hand_bundle())

    assert (found.unknown.commands, found.unknown.intents) == (1, ("oven.Preheat",))
    assert any("oven.Preheat" in warning for warning in found.thin)


def test_progress_ends_with_the_true_total() -> None:
    reports: list[tuple[str, int, int]] = []
    events = heard([lights(number, SURE) for number in range(450)], SURE)

    scan(events, hand_bundle(), top=1, progress=lambda *report: reports.append(report))

    assert reports == [
        ("judging commands", 200, 0),
        ("judging commands", 400, 0),
        ("judging commands", 450, 450),
        ("looking at what came after", 0, 3),
        ("looking at what came after", 1, 3),
        ("looking at what came after", 2, 3),
        ("looking at what came after", 3, 3),
    ]
