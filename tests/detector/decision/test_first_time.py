"""Physical commands that are new in a household, alone and with a bundle of lights as locks."""

from dataclasses import replace

import pytest

from detector.contracts.decisions import ConfirmMethod, Decision, RiskClass, Rung, Verdict
from detector.contracts.standing import Standing
from detector.decision.answers import answer
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.first_time import FIRST_PHYSICAL, why_first_physical
from detector.household.decayed_uses import DECAY, FORGOTTEN
from detector.household.learning import close_sessions
from detector.household.state import MAX_INTENTS, HouseholdState, Pending, Session, Usage
from tests.detector.builders import (
    CONFIRMATION_KEY,
    POLICY_TEXT,
    SURE,
    event,
    given_to,
    hand_bundle,
    policy,
    small_model,
)

UNLOCK = "security.UnlockDoor"
COMMAND = event(intent=UNLOCK, commits=True)
NEW = HouseholdState.new("h1")
GIVEN = replace(NEW, learned=5, intents={UNLOCK: Usage(count=1.0, session=5)})

#: A light known from training, classified as a lock.
LIGHT = "lights.TurnOn"
LOCKS = f'[[intents]]\nclass = "physical"\npatterns = ["{LIGHT}"]\n\n[[intents]]'
BUNDLE = hand_bundle(rules=policy(POLICY_TEXT.replace("[[intents]]", LOCKS, 1)))


def test_a_new_command_is_confirmed_first() -> None:
    reason = why_first_physical(COMMAND, NEW, RiskClass.PHYSICAL, Rung.WORKER, at=0.0)
    assert reason is not None
    assert (reason.code, reason.bits, reason.event_id) == (FIRST_PHYSICAL, 0.0, "e0")
    assert UNLOCK in reason.text


def test_a_familiar_command_is_not_confirmed() -> None:
    assert why_first_physical(COMMAND, GIVEN, RiskClass.PHYSICAL, Rung.WORKER, at=0.0) is None


@pytest.mark.parametrize("risk", [risk for risk in RiskClass if risk is not RiskClass.PHYSICAL])
def test_only_physical_commands_are_confirmed_when_new(risk: RiskClass) -> None:
    assert why_first_physical(COMMAND, NEW, risk, Rung.WORKER, at=0.0) is None


@pytest.mark.parametrize("rung", [Rung.GATEWAY, Rung.POLICY])
@pytest.mark.parametrize("household", [NEW, GIVEN])
def test_a_rung_without_the_history_always_asks(rung: Rung, household: HouseholdState) -> None:
    assert why_first_physical(COMMAND, household, RiskClass.PHYSICAL, rung, at=0.0) is not None


def test_another_command_for_the_same_door_is_new() -> None:
    lock = event(intent="security.LockDoor", commits=True)
    assert why_first_physical(lock, GIVEN, RiskClass.PHYSICAL, Rung.WORKER, at=0.0) is not None


def test_a_decayed_use_is_forgotten() -> None:
    """One use has decayed 228 taught sessions later; the answer to the new question renews it."""
    sessions = next(number for number in range(1000) if DECAY**number < FORGOTTEN)
    assert sessions == 228
    long_ago = replace(GIVEN, learned=5 + sessions)
    assert (
        why_first_physical(COMMAND, long_ago, RiskClass.PHYSICAL, Rung.WORKER, at=0.0) is not None
    )
    almost = replace(GIVEN, learned=4 + sessions)
    assert why_first_physical(COMMAND, almost, RiskClass.PHYSICAL, Rung.WORKER, at=0.0) is None


def test_a_flood_of_other_intents_makes_a_command_new_again_and_never_familiar() -> None:
    state, population = GIVEN, small_model().population
    for number in range(MAX_INTENTS // 16):
        pending = tuple(
            Pending(
                event_id=f"{number}-{each}",
                session_id="s",
                intent=f"flood.Intent{number}_{each}",
                seconds=number * 86_400.0,
                tokens=(),
                standing=Standing.ALLOWED,
            )
            for each in range(16)
        )
        session = Session(
            session_id="s",
            device_id="d",
            seconds=number * 86_400.0,
            turns=1,
            symbols=(0,),
            intents=("flood.Intent",),
            filter=(1.0,),
        )
        state = replace(state, sessions=(session,), pending=pending)
        state = close_sessions(state, population, at=1e9, undo_window=120.0)
    assert len(state.intents) == MAX_INTENTS
    assert why_first_physical(COMMAND, state, RiskClass.PHYSICAL, Rung.WORKER, at=1e9) is not None


def said(
    number: int, state: HouseholdState, bundle: Bundle = BUNDLE
) -> tuple[Decision, HouseholdState]:
    """Return the command, clearly heard, an hour after the one before it."""
    heard = event(
        360 * number,
        intent=LIGHT,
        commits=True,
        session_id=f"s{number}",
        wake_confidence=SURE,
        slots={"room": "k1_4a11"},
    )
    return decide(state, heard, bundle, at=heard.seconds)


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_a_new_command_is_confirmed_until_one_confirmation_succeeds() -> None:
    state = NEW
    for number in range(2):
        decision, state = said(number, state)
        assert (decision.verdict, codes(decision)) == (Verdict.CONFIRM, [FIRST_PHYSICAL])
        assert decision.misfire_probability is not None
        assert decision.misfire_probability < 1e-4
    given = given_to(decision, time=event(360 + 1).time)
    _, state = answer(state, given, BUNDLE, at=given.time.timestamp(), key=CONFIRMATION_KEY)
    for number in range(2, 5):
        decision, state = said(number, state)
        assert (decision.verdict, codes(decision)) == (Verdict.ALLOW, [])


def test_a_denial_teaches_nothing() -> None:
    decision, state = said(0, NEW)
    given = given_to(decision, accepted=False, proof=None, time=event(1).time)
    _, state = answer(state, given, BUNDLE, at=given.time.timestamp(), key=CONFIRMATION_KEY)
    decision, state = said(1, state)
    assert (decision.verdict, codes(decision)) == (Verdict.CONFIRM, [FIRST_PHYSICAL])


def test_a_class_without_methods_is_blocked() -> None:
    text = BUNDLE.policy.text.replace(
        'harm = 600.0\ndenial = 40.0\nbudget = 0.12\nfallback = "confirm"\n'
        'methods = ["phone_push", "pin"]',
        'harm = 600.0\ndenial = 40.0\nbudget = 0.12\nfallback = "block"\nmethods = []',
    )
    assert text != BUNDLE.policy.text
    decision, _ = said(0, NEW, hand_bundle(rules=policy(text)))
    assert (decision.verdict, codes(decision)) == (Verdict.BLOCK, [FIRST_PHYSICAL])


def test_the_gateway_confirms_commands_that_the_worker_would_allow() -> None:
    decision, state = said(0, NEW)
    given = given_to(decision, time=event(1).time, method=ConfirmMethod.PIN)
    _, state = answer(state, given, BUNDLE, at=given.time.timestamp(), key=CONFIRMATION_KEY)
    heard = event(360, intent=LIGHT, commits=True, session_id="s1", wake_confidence=SURE)
    assert decide(state, heard, BUNDLE, at=heard.seconds)[0].verdict is Verdict.ALLOW
    decision, _ = decide(state, heard, BUNDLE, at=heard.seconds, rung=Rung.GATEWAY)
    assert (decision.verdict, codes(decision)) == (Verdict.CONFIRM, [FIRST_PHYSICAL])
