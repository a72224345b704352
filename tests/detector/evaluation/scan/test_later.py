from dataclasses import fields, replace
from typing import Any

from detector.contracts.events import Act, IntentEvent
from detector.evaluation.scan import scan
from detector.evaluation.scan.later import LATER_SESSIONS, Later
from detector.household.state import HABITS, HouseholdState
from tests.detector.builders import SURE, dialogue, hand_bundle, hand_judge
from tests.detector.moments import moment_of

BUNDLE = hand_bundle()


def music(number: int, **changes: Any) -> IntentEvent:
    (only,) = dialogue(
        ("music.PlaySong", Act.INITIATE, True),
        first=number,
        session=f"s{number}",
        days=float(number),
        wake_confidence=SURE,
    )
    return replace(only, **changes)


def test_every_field_of_a_state_is_a_habit_or_describes_the_moment() -> None:
    moment = {
        "household_id", "events", "taught_on", "taught", "given_in", "given", "sessions", "pending",
        "early", "recent", "questions", "fingerprints",
    }  # fmt: skip

    assert {*HABITS, *moment} == {each.name for each in fields(HouseholdState)}
    assert not moment & set(HABITS)


def test_later_sessions_are_learned_and_the_session_itself_is_not() -> None:
    later = Later(moment_of("music.PlaySong"))
    here = later.moment.event
    later.events += [replace(music(1), session_id=here.session_id, device_id=here.device_id)]
    later.events += [music(number) for number in range(2, 8)]

    moment, sessions = later.moment_afterwards(BUNDLE)

    # The last session is still open.
    assert sessions == 5
    assert moment.household.learned == 5
    assert moment.household.intents["music.PlaySong"].count > 4
    assert moment.household.pending == later.moment.household.pending
    assert moment.session is later.moment.session
    assert later.moment.household.learned == 0


def test_a_habit_that_begins_later_explains_its_first_command() -> None:
    # The judge takes an intent that the household never used for a misfire.
    judge = hand_judge("intent_count", edges=(0.5, 2.5), bits=(20.0, 0.0, -20.0))
    bundle = hand_bundle(judge=judge)

    worst = scan([music(number) for number in range(12)], bundle).findings[0]

    assert (worst.event_id, worst.ratio_bits) == ("e0", 20.0)
    assert worst.afterwards is not None
    assert (worst.afterwards.sessions, worst.afterwards.ratio_bits) == (10, -20.0)


def test_a_command_that_never_recurs_stays_as_suspicious_afterwards() -> None:
    judge = hand_judge("intent_count", edges=(0.5, 2.5), bits=(20.0, 0.0, -20.0))
    log = [music(0, intent="lights.TurnOn"), *[music(number) for number in range(1, 12)]]

    found = scan(log, hand_bundle(judge=judge), top=2).findings

    assert [(each.event_id, each.afterwards.ratio_bits) for each in found if each.afterwards] == [
        ("e0", 20.0),
        ("e1", -20.0),
    ]


def test_the_last_command_has_no_later_score() -> None:
    assert scan([music(0)], BUNDLE).findings[0].afterwards is None


def test_later_events_are_bounded() -> None:
    later = Later(moment_of("music.PlaySong"))
    household = later.moment.household

    assert later.needs(household)
    assert not later.needs(replace(household, learned=LATER_SESSIONS))
    later.events += [music(1)] * 600
    assert not later.needs(household)


def test_a_candidate_that_is_displaced_no_longer_collects_events() -> None:
    log = [music(number) for number in range(60)]

    found = scan(log, BUNDLE, top=1)

    assert found.findings[0].afterwards is not None
    assert found.findings[0].afterwards.sessions <= LATER_SESSIONS
