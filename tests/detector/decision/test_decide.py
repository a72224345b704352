"""``decide`` is pure and repeatable, and gives every event a decision."""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from detector.contracts.decisions import Decision, RiskClass, Rung, Verdict, decision_id
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind
from detector.decision.bundle import Bundle, bundle_from_files, bundle_to_files
from detector.decision.confirmation_ids import confirmation_id
from detector.decision.decide import apply_outcome, decide, follow, is_reused
from detector.household.state import (
    MAX_EARLY,
    MAX_INTENTS,
    MAX_PENDING,
    MAX_RECENT,
    MAX_SESSIONS,
    MAX_TOKENS,
    MAX_TURNS,
    HouseholdState,
)
from detector.policy.fallback import fallback_decision
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    POLICY_TEXT,
    START,
    SURE,
    confirmed,
    dialogue,
    event,
    hand_bundle,
    hand_calibration,
    hand_judge,
    heard,
    outcome,
    policy,
    run,
    send_message,
)

DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)
SEND = "messages.SendMessage"
NEW = HouseholdState.new("h1")
Reload = Callable[[HouseholdState], HouseholdState]

INTENTS = st.sampled_from(
    [
        SEND,
        "lights.TurnOn",
        "music.FindSongs",
        "music.PlaySong",
        "conversation.Thanks",
        "ovens.Ignite",
    ]
)
CONFIDENCES = st.none() | st.floats(0, 1)
EVENT = st.builds(
    lambda number, seconds, **fields: event(
        event_id=f"e{number}", time=START + timedelta(seconds=seconds), **fields
    ),
    number=st.integers(0, 20),
    seconds=st.integers(-1000, 100_000),
    intent=INTENTS,
    act=st.sampled_from(Act),
    commits=st.booleans(),
    session_id=st.sampled_from(["s1", "s2", "s3"]),
    slots=st.dictionaries(
        st.sampled_from(["contact", "room", "x"]), st.sampled_from(["k1_a44e", "k1_b"])
    ),
    wake_confidence=CONFIDENCES,
    asr_confidence=CONFIDENCES,
)
EVENTS = st.lists(EVENT, max_size=20)
OUTCOMES = st.builds(
    outcome, st.integers(0, 20).map(lambda number: f"e{number}"), st.sampled_from(OutcomeKind)
)
HISTORIES = st.lists(EVENT | OUTCOMES, max_size=25)
ANY_BUNDLE = settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def written(decision: Decision) -> bytes:
    return DECISION.dump_json(decision)


@ANY_BUNDLE
@given(history=HISTORIES)
def test_a_decision_is_a_function_of_its_arguments(
    bundle: Bundle, through_json: Reload, history: list[IntentEvent | Outcome]
) -> None:
    """Inputs do not change. Equal inputs give equal bytes, also after a round trip through JSON."""
    state = NEW
    for step in history:
        before = copy.deepcopy(state), copy.deepcopy(step)
        if isinstance(step, Outcome):
            after = apply_outcome(state, step, at=step.time.timestamp())
            assert apply_outcome(through_json(state), step, at=step.time.timestamp()) == after
        else:
            decision, after = decide(state, step, bundle, at=step.seconds)
            again, after_again = decide(through_json(state), step, bundle, at=step.seconds)
            assert written(again) == written(decision)
            assert after_again == after
        assert (state, step) == before
        assert through_json(after) == after
        state = after


@ANY_BUNDLE
@given(events=EVENTS)
def test_every_event_gets_a_complete_decision(bundle: Bundle, events: list[IntentEvent]) -> None:
    state, seen = NEW, set()
    for each in events:
        decision, state = decide(state, each, bundle, at=each.seconds)
        seen.add(each.event_id)
        assert state.events <= len(events)
        if each.event_id in {earlier.event_id for earlier in state.recent[:-1]}:
            continue
        check(decision, bundle)


def check(decision: Decision, bundle: Bundle) -> None:
    assert decision.bundle == bundle.version
    assert decision.decision_id == decision_id(decision.event_id, bundle.version)
    assert math.isfinite(decision.surprisal_bits)
    assert decision.surprisal_bits >= 0
    assert decision.event_bits > 0
    assert (decision.rung, decision.degraded) == (Rung.WORKER, False)
    if decision.misfire_probability is None:
        assert decision.verdict is Verdict.ALLOW
        assert decision.p_value is None
    else:
        assert 0 <= decision.misfire_probability <= 1
        assert decision.p_value is None or 0 < decision.p_value <= 1
        assert decision.abstained or decision.p_value is not None
    if decision.verdict is Verdict.ALLOW:
        assert decision.confirm is None
    else:
        assert decision.expected
        assert decision.reasons
    if decision.abstained:
        assert decision.reasons[0].bits == 0.0
    assert (decision.confirm is not None) == (decision.verdict is Verdict.CONFIRM)
    if decision.confirm:
        assert decision.confirm.expires_at is not None
        asked_now = decision.confirm.confirmation_id == confirmation_id(
            decision.household_id,
            decision.event_id,
            decision.intent,
            decision.confirm.slots,
            at=decision.confirm.expires_at.timestamp() - bundle.policy.confirmation.expires_seconds,
        )
        offered = bundle.policy.methods_for(
            decision.risk_class, decision.misfire_probability or 0.0
        )
        assert decision.confirm.methods == offered or not asked_now
        assert decision.intent in decision.confirm.prompt


@ANY_BUNDLE
@given(history=HISTORIES)
def test_the_state_is_bounded(bundle: Bundle, history: list[IntentEvent | Outcome]) -> None:
    state = NEW
    for step in history:
        state = (
            apply_outcome(state, step, at=step.time.timestamp())
            if isinstance(step, Outcome)
            else decide(state, step, bundle, at=step.seconds)[1]
        )
    assert len(state.sessions) <= MAX_SESSIONS
    assert len(state.pending) <= MAX_PENDING
    assert len(state.early) <= MAX_EARLY
    assert len(state.recent) <= MAX_RECENT
    assert len(state.intents) <= MAX_INTENTS
    assert len(state.tokens) <= MAX_TOKENS
    assert all(len(session.symbols) <= MAX_TURNS for session in state.sessions)


@pytest.mark.parametrize("wake", [SURE, DOUBTFUL, ABSURD])
def test_a_repeated_event_gets_its_first_decision_and_changes_nothing(
    bundle: Bundle, wake: float
) -> None:
    decisions, state = run(heard(send_message(), wake), bundle)
    for each, first in zip(send_message(), decisions, strict=True):
        again, after = decide(state, each, bundle, at=each.seconds)
        assert again == first
        assert after is state


def test_a_repeated_event_with_other_content_gets_the_first_decision(bundle: Bundle) -> None:
    (first,), state = run([event(commits=True)], bundle)
    again, after = decide(
        state, event(intent="lights.TurnOn"), bundle, at=event(intent="lights.TurnOn").seconds
    )
    assert (again, after) == (first, state)
    assert not is_reused(state, event(commits=True))
    assert is_reused(state, event(intent="lights.TurnOn"))


@pytest.mark.parametrize("wake", [SURE, DOUBTFUL, ABSURD])
def test_following_another_rungs_decision_leads_to_the_same_state(
    bundle: Bundle, wake: float
) -> None:
    decided = followed = NEW
    for each in heard(send_message(), wake):
        decision, decided = decide(decided, each, bundle, at=each.seconds)
        followed = follow(followed, each, bundle, decision, at=each.seconds)
        assert follow(followed, each, bundle, decision, at=each.seconds) is followed
    assert replace(decided, questions=()) == followed


def test_the_latest_decisions_are_kept_for_repeats(bundle: Bundle) -> None:
    _, state = run([event(number) for number in range(MAX_RECENT + 3)], bundle)
    kept = [decision.event_id for decision in state.recent]
    assert kept == [f"e{number}" for number in range(3, MAX_RECENT + 3)]
    assert state.events == MAX_RECENT + 3
    assert state.fingerprints.keys() == set(kept)


def test_non_committing_events_are_allowed_and_not_judged(bundle: Bundle) -> None:
    decisions, _ = run(heard(send_message()[:2], ABSURD), bundle)
    for decision in decisions:
        assert (decision.verdict, decision.effective_verdict) == (Verdict.ALLOW, Verdict.ALLOW)
        assert (decision.misfire_probability, decision.p_value, decision.reasons) == (
            None,
            None,
            (),
        )


def test_a_decision_has_the_surprisal_of_its_event_and_chain(bundle: Bundle) -> None:
    decisions, _ = run(send_message(), bundle)
    single = [decision.event_bits for decision in decisions]
    assert [decision.surprisal_bits for decision in decisions] == pytest.approx(
        [sum(single[: end + 1]) for end in range(3)], abs=1e-5
    )


def test_a_saved_and_loaded_bundle_gives_the_same_decision_bytes(
    trained: Bundle, population: list[IntentEvent]
) -> None:
    loaded = bundle_from_files(bundle_to_files(trained))
    household = population[0].household_id
    events = [each for each in population if each.household_id == household]
    first, again = run(events, trained), run(events, loaded)
    assert [written(decision) for decision in first[0]] == [
        written(decision) for decision in again[0]
    ]
    assert first[1] == again[1]


def test_households_are_independent(trained: Bundle, population: list[IntentEvent]) -> None:
    """Interleaved and consecutive households get the same decisions."""
    names = sorted({each.household_id for each in population})[:3]
    states, mixed = {name: HouseholdState.new(name) for name in names}, []
    for each in population:
        if each.household_id in states:
            decision, states[each.household_id] = decide(
                states[each.household_id], each, trained, at=each.seconds
            )
            mixed.append(decision)
    apart = [
        decision
        for name in names
        for decision in run([each for each in population if each.household_id == name], trained)[0]
    ]
    assert sorted(map(written, mixed)) == sorted(map(written, apart))


def test_every_decision_on_a_population_is_complete(
    trained: Bundle, population: list[IntentEvent]
) -> None:
    states: dict[str, HouseholdState] = {}
    interrupted = judged = commands = 0
    for each in population:
        before = states.get(each.household_id, HouseholdState.new(each.household_id))
        decision, states[each.household_id] = decide(before, each, trained, at=each.seconds)
        check(decision, trained)
        commands += each.commits
        judged += decision.p_value is not None
        interrupted += decision.verdict is not Verdict.ALLOW and not decision.abstained
    assert commands >= judged > 100
    # The bundle was trained on these: however good the judge, it must not interrupt daily commands.
    assert interrupted < 0.1 * commands


# --- the hand-made bundle: its numbers are known, so its verdicts are too


HAND = hand_bundle()


@pytest.mark.parametrize(
    ("wake", "verdict"),
    [
        (None, Verdict.ALLOW),
        (SURE, Verdict.ALLOW),
        (DOUBTFUL, Verdict.CONFIRM),
        (ABSURD, Verdict.BLOCK),
    ],
)
def test_the_verdict_follows_the_evidence(wake: float | None, verdict: Verdict) -> None:
    decision = run(heard(send_message(), wake), HAND)[0][-1]
    assert (decision.verdict, decision.effective_verdict) == (verdict, verdict)
    assert [reason.code for reason in decision.reasons] == ["wake_confidence"] * (
        verdict is not Verdict.ALLOW
    )


@pytest.mark.parametrize("wake", [DOUBTFUL, ABSURD])
def test_a_spoken_yes_to_the_question_is_not_a_confirmation(wake: float) -> None:
    """In Portland, "right" is the committing event, and a second "right" answers the question."""
    right = dialogue((SEND, Act.AFFIRM, True), first=3, wake_confidence=SURE)
    _, state = run(heard(send_message(), wake), HAND)
    (second,), state = run(right, HAND, state)
    assert second.verdict is not Verdict.ALLOW
    assert "awaiting_confirmation" in [reason.code for reason in second.reasons]
    third = run([replace(right[0], event_id="e4")], HAND, state)[0][0]
    assert third.verdict is not Verdict.ALLOW


def test_after_a_denial_only_a_new_chain_is_judged_independently() -> None:
    _, state = run(heard(send_message(), DOUBTFUL), HAND)
    state = apply_outcome(
        state,
        outcome("e2", OutcomeKind.DENIED),
        at=outcome("e2", OutcomeKind.DENIED).time.timestamp(),
    )
    right = dialogue((SEND, Act.AFFIRM, True), first=3, wake_confidence=SURE)
    assert run(right, HAND, state)[0][-1].verdict is Verdict.CONFIRM
    assert run(heard(send_message(3), SURE), HAND, state)[0][-1].verdict is Verdict.ALLOW
    assert run(heard(send_message(3), DOUBTFUL), HAND, state)[0][-1].verdict is Verdict.BLOCK
    later = run(heard(send_message(3, days=0.01), DOUBTFUL), HAND, state)[0][-1]
    assert later.verdict is Verdict.CONFIRM


def test_an_unanswered_question_also_holds_back_a_new_chain() -> None:
    _, state = run(heard(send_message(), DOUBTFUL), HAND)
    assert run(heard(send_message(3), SURE), HAND, state)[0][-1].verdict is Verdict.CONFIRM


def test_once_confirmed_the_command_runs() -> None:
    decisions, state = run(heard(send_message(), DOUBTFUL), HAND)
    state = confirmed(decisions[-1], HAND, state)
    again = dialogue((SEND, Act.AFFIRM, True), first=3, wake_confidence=SURE)
    assert run(again, HAND, state)[0][0].verdict is Verdict.ALLOW


@pytest.mark.parametrize("kind", [OutcomeKind.DENIED, OutcomeKind.EXPIRED, OutcomeKind.UNDONE])
def test_an_unconfirmed_command_stays_held_back(kind: OutcomeKind) -> None:
    _, state = run(heard(send_message(), DOUBTFUL), HAND)
    state = apply_outcome(state, outcome("e2", kind), at=outcome("e2", kind).time.timestamp())
    again = dialogue((SEND, Act.AFFIRM, True), first=3, wake_confidence=SURE)
    assert run(again, HAND, state)[0][0].verdict is Verdict.CONFIRM


def test_another_session_and_another_intent_are_not_held_back() -> None:
    _, state = run(heard(send_message(), DOUBTFUL), HAND)
    elsewhere = send_message(first=10, session="s2")
    assert run(elsewhere, HAND, state)[0][-1].verdict is Verdict.ALLOW
    other = dialogue(("lights.TurnOn", Act.INITIATE, True), first=20)
    assert run(other, HAND, state)[0][0].verdict is Verdict.ALLOW


def test_an_unanswered_question_outlives_its_session() -> None:
    _, state = run(heard(send_message(), DOUBTFUL), HAND)
    _, state = run(
        dialogue((SEND, Act.INITIATE, False), first=50, session="s2", days=1.0), HAND, state
    )
    late = dialogue((SEND, Act.AFFIRM, True), first=60, days=2.0, wake_confidence=SURE)
    assert run(late, HAND, state)[0][0].verdict is Verdict.CONFIRM


def test_an_event_is_scored_before_it_is_learned() -> None:
    """The judge asks whether a command was ever meant here: it confirms the first use only."""
    bundle = hand_bundle(judge=hand_judge("intent_count", (0.5, 0.6), (6.0, 6.0, -6.0)))
    first, state = run(send_message(), bundle)
    assert first[-1].verdict is Verdict.CONFIRM
    state = confirmed(first[-1], bundle, state)
    second, _ = run(send_message(first=10, session="s2", days=1.0), bundle, state)
    assert second[-1].verdict is Verdict.ALLOW


def test_an_early_outcome_does_not_change_the_decision() -> None:
    bundle = hand_bundle(judge=hand_judge("intent_count", (0.5, 0.6), (6.0, 6.0, -6.0)))
    early = apply_outcome(
        NEW,
        outcome("e2", OutcomeKind.EXECUTED),
        at=outcome("e2", OutcomeKind.EXECUTED).time.timestamp(),
    )
    assert run(send_message(), bundle, early)[0] == run(send_message(), bundle)[0]


def test_shadow_mode_records_the_verdict_and_lets_everything_run() -> None:
    shadow = hand_bundle(rules=policy(enforcement='"shadow"'))
    enforced = run(heard(send_message(), ABSURD), HAND)[0][-1]
    shown = run(heard(send_message(), ABSURD), shadow)[0][-1]
    assert (shown.verdict, shown.effective_verdict, shown.enforcement) == (
        Verdict.BLOCK,
        Verdict.ALLOW,
        "shadow",
    )
    assert (enforced.effective_verdict, enforced.enforcement) == (Verdict.BLOCK, "enforce")
    assert shown.reasons == enforced.reasons


@pytest.mark.parametrize("wake", [DOUBTFUL, ABSURD])
def test_shadow_mode_learns_nothing_that_enforcement_would_have_stopped(wake: float) -> None:
    shadow = hand_bundle(rules=policy(enforcement='"shadow"'))
    _, state = run(heard(send_message(), wake), shadow)
    _, state = run(
        dialogue((SEND, Act.INITIATE, False), first=50, session="s2", days=1.0), shadow, state
    )
    assert state.learned == 0


@pytest.mark.parametrize(
    ("intent", "verdict"),
    [
        ("email.SendEmail", Verdict.CONFIRM),
        ("shopping.BuyItem", Verdict.CONFIRM),
        ("oven.Ignite", Verdict.CONFIRM),
    ],
)
def test_an_unknown_harmful_intent_gets_the_fallback_of_its_class_and_is_marked(
    intent: str, verdict: Verdict
) -> None:
    decision = run([event(intent=intent, commits=True, wake_confidence=SURE)], HAND)[0][0]
    assert (decision.verdict, decision.abstained, decision.degraded) == (verdict, True, False)
    assert decision.reasons[0].code == "unknown_intent"
    assert decision.reasons[0].text.startswith("Too few households in the training data have used")
    assert intent in decision.reasons[0].text


@pytest.mark.parametrize("intent", ["weather.GetTides", "music.Shuffle"])
def test_an_unknown_harmless_intent_is_judged_by_what_is_known(intent: str) -> None:
    decision = run([event(intent=intent, commits=True, wake_confidence=SURE)], HAND)[0][0]
    assert (decision.verdict, decision.abstained) == (Verdict.ALLOW, False)
    assert decision.p_value is not None


def test_a_harmful_intent_that_the_household_used_is_judged() -> None:
    ignite = [event(intent="email.SendEmail", commits=True, wake_confidence=SURE)]
    known = replace(
        NEW, commands=replace(NEW.commands, last_used={"email.SendEmail": ignite[0].seconds - 60})
    )
    decision = run(ignite, HAND, known)[0][0]
    assert (decision.verdict, decision.abstained) == (Verdict.ALLOW, False)


def test_the_judge_abstains_with_too_little_calibration_data() -> None:
    strict = policy(POLICY_TEXT.replace("budget = 0.05", "budget = 0.01"))
    bundle = hand_bundle(calibration=hand_calibration(per_category=1), rules=strict)
    for wake in (SURE, ABSURD):
        decision = run(heard(send_message(), wake), bundle)[0][-1]
        assert (decision.verdict, decision.abstained, decision.p_value) == (
            Verdict.CONFIRM,
            True,
            None,
        )
        assert decision.reasons[0].code == "too_little_calibration"


@pytest.mark.parametrize("rung", Rung)
def test_a_lower_rung_is_marked(rung: Rung) -> None:
    decision, _ = decide(NEW, event(commits=True), HAND, at=event(commits=True).seconds, rung=rung)
    assert (decision.rung, decision.degraded) == (rung, rung is not Rung.WORKER)


@pytest.mark.parametrize(
    ("intent", "risk", "verdict"),
    [
        ("weather.GetForecast", RiskClass.READ_ONLY, Verdict.ALLOW),
        ("lights.TurnOn", RiskClass.REVERSIBLE, Verdict.ALLOW),
        (SEND, RiskClass.PRIVATE_OUTBOUND, Verdict.CONFIRM),
        ("shopping.BuyItem", RiskClass.PURCHASE, Verdict.CONFIRM),
        ("security.UnlockDoor", RiskClass.PHYSICAL, Verdict.CONFIRM),
    ],
)
def test_without_a_model_the_policys_fallback_decides_and_is_marked(
    intent: str, risk: RiskClass, verdict: Verdict
) -> None:
    commit = event(intent=intent, commits=True)
    decision = fallback_decision(commit, policy(), code="no_bundle", text="There is no bundle.")
    assert (decision.risk_class, decision.verdict, decision.effective_verdict) == (
        risk,
        verdict,
        verdict,
    )
    assert (decision.degraded, decision.rung, decision.bundle) == (True, Rung.POLICY, "none")
    assert [(reason.code, reason.event_id, reason.bits) for reason in decision.reasons] == [
        ("no_bundle", "e0", 0.0)
    ]
    assert (decision.misfire_probability, decision.p_value) == (None, None)
    assert (decision.confirm is not None) == (verdict is Verdict.CONFIRM)
    assert decision == fallback_decision(
        commit, policy(), code="no_bundle", text="There is no bundle."
    )


def test_without_a_model_an_event_that_does_not_commit_is_allowed_and_marked() -> None:
    decision = fallback_decision(event(), policy(), code="no_bundle", text="There is no bundle.")
    assert (decision.verdict, decision.degraded) == (Verdict.ALLOW, True)
    assert decision.reasons


def test_a_fallback_of_block_blocks_except_in_shadow_mode() -> None:
    text = POLICY_TEXT.replace('fallback = "confirm"', 'fallback = "block"')
    commit = event(commits=True)
    blocked = fallback_decision(
        commit, policy(text), code="late", text="Late.", rung=Rung.GATEWAY, bundle="b1"
    )
    assert (blocked.verdict, blocked.effective_verdict, blocked.confirm) == (
        Verdict.BLOCK,
        Verdict.BLOCK,
        None,
    )
    assert (blocked.rung, blocked.bundle) == (Rung.GATEWAY, "b1")
    assert blocked.decision_id == decision_id("e0", "b1")
    shadow = fallback_decision(
        commit, policy(text, enforcement='"shadow"'), code="late", text="Late."
    )
    assert (shadow.verdict, shadow.effective_verdict) == (Verdict.BLOCK, Verdict.ALLOW)


@given(
    repeats=st.lists(st.integers(0, MAX_RECENT - 1), max_size=8),
    apart=st.sampled_from([1.0, 60.0, 86_400.0]),
)
@pytest.mark.slow
def test_recent_events_get_their_first_decision_again_after_their_session_ended(
    repeats: list[int], apart: float
) -> None:
    """Each event opens a session. Days apart, all sessions but the last are closed."""
    bundle, state, first = hand_bundle(), NEW, {}
    for number in range(MAX_RECENT + 4):
        said = _apart(number, apart)
        first[number], state = decide(state, said, bundle, at=said.seconds)
        for back in repeats:
            earlier = max(number - back, 0)
            again, after = decide(
                state, _apart(earlier, apart), bundle, at=_apart(earlier, apart).seconds
            )
            assert again == first[earlier]
            assert after is state
            assert not is_reused(state, _apart(earlier, apart))
            assert is_reused(state, replace(_apart(earlier, apart), device_id="other"))


def _apart(number: int, seconds: float) -> IntentEvent:
    said = event(number)
    return replace(
        said, session_id=f"apart{number}", time=said.time + number * timedelta(seconds=seconds)
    )
