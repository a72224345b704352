from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from detector.contracts.decisions import Rung, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.rule_timeline import RuleTimeline
from detector.household.state import HouseholdState
from streams.gateway import sessions as module
from streams.gateway.sessions import Sessions
from tests.detector.builders import ABSURD, START, SURE, event, hand_bundle, heard, send_message
from tests.detector.rules import rule

NEW = HouseholdState.new("h1")


@pytest.fixture
def bundle() -> Bundle:
    return hand_bundle()


def own(events: list[IntentEvent], bundle: Bundle) -> list[Any]:
    state, decisions = NEW, []
    for each in events:
        decision, state = decide(state, each, bundle, at=each.seconds, rung=Rung.GATEWAY)
        decisions.append(decision)
    return decisions


@pytest.mark.parametrize("wake", [SURE, ABSURD])
def test_without_a_worker_the_gateway_decides_as_the_core_does(bundle: Bundle, wake: float) -> None:
    events = heard(send_message(), wake)
    followed = Sessions(bundle)

    assert [followed.judge(followed.begin(each, at=each.seconds)) for each in events] == own(
        events, bundle
    )


def test_an_open_turn_is_decided_before_the_next_one(bundle: Bundle) -> None:
    followed = Sessions(bundle)
    events = send_message()
    turns = [followed.begin(each, at=each.seconds) for each in events]

    assert [followed.judge(turn) for turn in turns] == own(events, bundle)


def test_a_worker_verdict_is_followed_without_deciding_again(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = heard(send_message(), SURE)
    again = replace(events[-1], event_id="again")
    followed = Sessions(bundle)
    decisions = own(events, bundle)
    refused = replace(decisions[-1], verdict=Verdict.BLOCK, effective_verdict=Verdict.BLOCK)
    monkeypatch.setattr(module, "decide", None)
    for each, decision in zip(events, [*decisions[:-1], refused], strict=True):
        followed.follow(followed.begin(each, at=each.seconds), decision)
    monkeypatch.setattr(module, "decide", decide)

    assert followed.judge(followed.begin(again, at=again.seconds)).verdict is not Verdict.ALLOW
    assert own([*events, again], bundle)[-1].verdict is Verdict.ALLOW


def test_a_worker_decision_after_the_gateways_own_is_ignored(bundle: Bundle) -> None:
    followed = Sessions(bundle)
    turn = followed.begin(event(1), at=START.timestamp())
    mine = followed.judge(turn)

    followed.follow(turn, replace(mine, verdict=Verdict.BLOCK))

    assert followed.judge(turn) is mine


def test_an_event_on_which_the_core_fails_does_not_affect_others(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = Sessions(bundle)
    monkeypatch.setattr(module, "decide", None)
    turn = followed.begin(event(1), at=START.timestamp())
    with pytest.raises(TypeError):
        followed.judge(turn)
    next_turn = followed.begin(event(2), at=START.timestamp())
    monkeypatch.setattr(module, "decide", decide)

    assert followed.judge(next_turn).event_id == "e2"


def test_the_households_are_bounded(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HOUSEHOLDS", 2)
    followed = Sessions(bundle)
    for number in range(5):
        followed.begin(event(number, household_id=f"h{number}"), at=START.timestamp())

    assert [home.state.household_id for home in followed._households] == ["h3", "h4"]


@pytest.mark.parametrize("decided", [False, True])
def test_a_gateway_never_learns(bundle: Bundle, decided: bool) -> None:
    followed = Sessions(bundle)
    for day in range(40):
        for each in heard(send_message(10 * day, session=f"s{day}", days=day), SURE):
            turn = followed.begin(each, at=each.seconds)
            decision = own([each], bundle)[0]
            if decided:
                followed.follow(turn, decision)
            else:
                assert followed.judge(turn).verdict is Verdict.ALLOW
    state = turn.home.state
    assert (state.learned, state.taught, state.intents, state.tokens) == (0, 0, {}, ())
    assert state.events == 120


def test_rules_change_the_gateways_own_decision(bundle: Bundle) -> None:
    followed = Sessions(bundle)
    followed.rules = RuleTimeline({"r1": rule(household_id="h1")})
    events = heard(send_message(), SURE)

    *_, ours = [followed.judge(followed.begin(each, at=each.seconds)) for each in events]
    others = [replace(each, household_id="h2") for each in events]
    *_, theirs = [followed.judge(followed.begin(each, at=each.seconds)) for each in others]

    assert (ours.verdict, ours.rule, ours.degraded) == (Verdict.BLOCK, "r1", True)
    assert theirs.rule is None
