"""The household layer learns from meant chains only."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import Act, IntentEvent, OutcomeKind
from detector.decision.bundle import Bundle
from detector.decision.decide import apply_outcome
from detector.household.decayed_uses import DECAY, strength
from detector.household.learning import LESSONS_A_DAY, predictive_bits, skipped_sessions, token
from detector.household.state import (
    MAX_EARLY,
    MAX_INTENTS,
    MAX_PENDING,
    MAX_TOKENS,
    MAX_TURNS,
    HouseholdState,
    Usage,
)
from detector.population.base_rates import Population, part_of_week
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    START,
    SURE,
    dialogue,
    event,
    hand_bundle,
    heard,
    outcome,
    run,
    send_message,
    training_sessions,
)

SEND = "messages.SendMessage"
LATER = 1.0  # day


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return hand_bundle()


def another_session(day: float = LATER) -> list[IntentEvent]:
    """Close all sessions by a session that has no command, from which nothing is learned."""
    return dialogue(
        (SEND, Act.INITIATE, False), first=int(1e6 * day), session=f"closing{day}", days=day
    )


def closed(state: HouseholdState, bundle: Bundle, day: float = LATER) -> HouseholdState:
    return run(another_session(day), bundle, state)[1]


def taught(state: HouseholdState) -> tuple[int, set[str], set[str], set[str]]:
    return state.learned, set(state.intents), set(state.domains), set(state.tokens)


NOTHING: tuple[int, set[str], set[str], set[str]] = (0, set(), set(), set())
SENT = (1, {SEND}, {"messages"}, {token("contact", "k1_a44e")})


@pytest.mark.parametrize(
    ("wake", "reported", "learned"),
    [
        (SURE, None, SENT),
        (SURE, OutcomeKind.EXECUTED, SENT),
        (SURE, OutcomeKind.UNDONE, NOTHING),
        (SURE, OutcomeKind.DENIED, NOTHING),
        (SURE, OutcomeKind.EXPIRED, NOTHING),
        (DOUBTFUL, None, NOTHING),
        (SURE, OutcomeKind.CONFIRMED, SENT),
        (DOUBTFUL, OutcomeKind.CONFIRMED, NOTHING),
        (DOUBTFUL, OutcomeKind.EXECUTED, NOTHING),
        (DOUBTFUL, OutcomeKind.UNDONE, NOTHING),
        (DOUBTFUL, OutcomeKind.DENIED, NOTHING),
        (DOUBTFUL, OutcomeKind.EXPIRED, NOTHING),
        (ABSURD, None, NOTHING),
        (ABSURD, OutcomeKind.EXECUTED, NOTHING),
        (ABSURD, OutcomeKind.CONFIRMED, NOTHING),
        (ABSURD, OutcomeKind.DENIED, NOTHING),
        (ABSURD, OutcomeKind.EXPIRED, NOTHING),
    ],
    ids=str,
)
@pytest.mark.parametrize("when", ["early", "in time"])
def test_only_meant_commands_are_learned(
    bundle: Bundle,
    wake: float,
    reported: OutcomeKind | None,
    learned: tuple[int, set[str], set[str], set[str]],
    when: str,
) -> None:
    state = HouseholdState.new("h1")
    if reported and when == "early":
        state = apply_outcome(
            state, outcome("e2", reported), at=outcome("e2", reported).time.timestamp()
        )
    _, state = run(heard(send_message(), wake), bundle, state)
    if reported and when == "in time":
        state = apply_outcome(
            state, outcome("e2", reported), at=outcome("e2", reported).time.timestamp()
        )
    assert taught(state) == NOTHING
    assert taught(closed(state, bundle)) == learned


def test_an_executed_and_then_undone_command_teaches_nothing(bundle: Bundle) -> None:
    _, state = run(send_message(), bundle)
    state = apply_outcome(
        state,
        outcome("e2", OutcomeKind.EXECUTED),
        at=outcome("e2", OutcomeKind.EXECUTED).time.timestamp(),
    )
    state = apply_outcome(
        state,
        outcome("e2", OutcomeKind.UNDONE),
        at=outcome("e2", OutcomeKind.UNDONE).time.timestamp(),
    )
    assert taught(closed(state, bundle)) == NOTHING


def test_an_outcome_reported_twice_counts_once(bundle: Bundle) -> None:
    _, state = run(heard(send_message(), SURE), bundle)
    for _ in range(2):
        state = apply_outcome(
            state,
            outcome("e2", OutcomeKind.EXECUTED),
            at=outcome("e2", OutcomeKind.EXECUTED).time.timestamp(),
        )
    state = closed(state, bundle)
    for _ in range(2):
        state = apply_outcome(
            state,
            outcome("e2", OutcomeKind.EXECUTED),
            at=outcome("e2", OutcomeKind.EXECUTED).time.timestamp(),
        )
    assert taught(state) == SENT
    assert state.intents[SEND].count == 1.0


def test_an_open_chain_teaches_nothing(bundle: Bundle) -> None:
    _, state = run(send_message()[:2], bundle)
    assert taught(closed(state, bundle)) == NOTHING


def test_an_open_chain_of_an_unknown_intent_teaches_nothing(bundle: Bundle) -> None:
    _, state = run(dialogue(("ovens.Ignite", Act.INITIATE, False)), bundle)
    assert taught(closed(state, bundle)) == NOTHING


def test_a_request_without_a_command_is_a_use(bundle: Bundle) -> None:
    _, state = run(dialogue(("music.FindSongs", Act.INITIATE, False)), bundle)
    assert taught(closed(state, bundle)) == (1, {"music.FindSongs"}, {"music"}, set())


def test_a_search_before_a_refused_command_teaches_nothing(bundle: Bundle) -> None:
    events = dialogue(
        ("music.FindSongs", Act.INITIATE, False),
        ("music.PlaySong", Act.INITIATE, True),
        wake_confidence=ABSURD,
    )
    _, state = run(events, bundle)
    assert taught(closed(state, bundle)) == NOTHING


def test_a_refused_command_does_not_undo_the_learning_of_another(bundle: Bundle) -> None:
    events = [
        *dialogue(("lights.TurnOn", Act.INITIATE, True), wake_confidence=SURE),
        *heard(send_message(first=1), ABSURD),
    ]
    _, state = run(events, bundle)
    assert taught(closed(state, bundle)) == (1, {"lights.TurnOn"}, {"lights"}, set())


def test_nothing_is_learned_before_the_undo_window_has_passed(bundle: Bundle) -> None:
    _, state = run(send_message(), bundle)
    last = state.sessions[0].seconds - START.timestamp()
    window = bundle.policy.undo_window_seconds
    assert taught(closed(state, bundle, day=(last + window - 1) / 86_400)) == NOTHING
    assert taught(closed(state, bundle, day=(last + window) / 86_400)) == SENT


def test_a_late_outcome_of_an_allowed_command_can_still_teach(bundle: Bundle) -> None:
    _, state = run(send_message(), bundle)
    state = closed(
        apply_outcome(state, outcome("e2", OutcomeKind.EXPIRED), at=START.timestamp()), bundle
    )
    assert taught(state) == NOTHING
    assert (
        taught(apply_outcome(state, outcome("e2", OutcomeKind.EXECUTED), at=START.timestamp()))
        == SENT
    )


def test_a_late_outcome_undoes_no_learning(bundle: Bundle) -> None:
    _, state = run(send_message(), bundle)
    state = closed(state, bundle)
    assert (
        taught(
            apply_outcome(
                state,
                outcome("e2", OutcomeKind.UNDONE),
                at=outcome("e2", OutcomeKind.UNDONE).time.timestamp(),
            )
        )
        == SENT
    )


def test_an_early_outcome_waits_for_its_own_event_only(bundle: Bundle) -> None:
    state = apply_outcome(
        HouseholdState.new("h1"),
        outcome("another", OutcomeKind.DENIED),
        at=outcome("another", OutcomeKind.DENIED).time.timestamp(),
    )
    _, state = run(send_message(), bundle, state)
    assert [waiting.event_id for waiting in state.early] == ["another"]
    assert taught(closed(state, bundle)) == SENT


def test_an_outcome_of_an_event_without_a_command_is_dropped(bundle: Bundle) -> None:
    _, state = run(send_message()[:2], bundle)
    assert (
        apply_outcome(
            state,
            outcome("e0", OutcomeKind.EXECUTED),
            at=outcome("e0", OutcomeKind.EXECUTED).time.timestamp(),
        )
        == state
    )


def test_a_command_early_in_a_long_session_is_learned(bundle: Bundle) -> None:
    talk = dialogue(*[("music.FindSongs", Act.ASK, False)] * (MAX_TURNS + 5), first=10)
    _, state = run([*send_message(), *talk], bundle)
    assert taught(closed(state, bundle)) == (
        1,
        {SEND, "music.FindSongs"},
        {"messages", "music"},
        {token("contact", "k1_a44e")},
    )


def test_counts_decay_with_learned_sessions(bundle: Bundle) -> None:
    state = HouseholdState.new("h1")
    for day in range(3):
        _, state = run(
            send_message(first=10 * day, session=f"s{day}", days=float(day)), bundle, state
        )
    state = closed(state, bundle, day=3.0)
    usage = state.intents[SEND]
    assert usage.count == pytest.approx(1 + DECAY + DECAY**2, abs=0.01)
    assert (usage.session, state.learned) == (3, 3)
    assert strength(usage, 5) == pytest.approx(usage.count * DECAY**2)
    assert strength(None, 5) == 0.0


def test_a_household_learns_from_a_limited_number_of_sessions_a_day(bundle: Bundle) -> None:
    """A flood claims only a part of the memory: sessions beyond the bound are counted only."""
    state, more = HouseholdState.new("h1"), 4
    for number in range(LESSONS_A_DAY + more):
        events = send_message(first=10 * number, session=f"s{number}", days=0.002 * number)
        _, state = run(events, bundle, state)
    before, state = state, closed(state, bundle, day=0.24)
    assert (state.learned, state.taught) == (LESSONS_A_DAY, LESSONS_A_DAY + more)
    assert skipped_sessions(HouseholdState.new("h1"), state) == more
    assert skipped_sessions(before, state) == state.taught - max(before.taught, LESSONS_A_DAY)
    assert skipped_sessions(state, state) == 0

    _, next_day = run(send_message(first=900, session="next", days=2.0), bundle, state)
    next_day = closed(next_day, bundle, day=3.0)
    assert (next_day.learned, next_day.taught) == (LESSONS_A_DAY + 1, 1)
    assert skipped_sessions(state, next_day) == 0


def test_a_session_with_an_earlier_log_time_counts_on_the_latest_day(bundle: Bundle) -> None:
    _, state = run(send_message(days=5.0), bundle)
    state = closed(state, bundle, day=6.0)
    for number in range(1, LESSONS_A_DAY + 4):
        events = send_message(first=10 * number, session=f"s{number}", days=5.0 - number)
        _, state = run(events, bundle, state)
        state = closed(state, bundle, day=6.0 + number / 1000)

    assert state.learned == LESSONS_A_DAY


def test_hours_and_novelty_come_from_meant_sessions(bundle: Bundle) -> None:
    _, state = run(send_message(), bundle)
    state = closed(state, bundle)
    assert state.hours[part_of_week(START.timestamp())] == 1.0
    assert sum(state.hours) == 1.0
    first = state.novelty
    _, state = run(send_message(first=20, session="s2", days=2.0), bundle, state)
    assert 0 < closed(state, bundle, day=3.0).novelty < first <= 1


def test_remembered_tokens_are_bounded_and_the_latest_are_kept(bundle: Bundle) -> None:
    state = HouseholdState.new("h1")
    uses = MAX_TOKENS + 5
    for day in range(uses):
        events = send_message(
            first=10 * day, contact=f"k1_{day}", session=f"s{day}", days=float(day)
        )
        _, state = run(events, bundle, state)
    state = closed(state, bundle, day=float(uses))
    assert set(state.tokens) == {token("contact", f"k1_{day}") for day in range(5, uses)}
    assert len(state.pending) <= MAX_PENDING


def test_intents_are_bounded(bundle: Bundle) -> None:
    old = {f"a.I{number}": Usage(count=5.0, session=number) for number in range(MAX_INTENTS, 0, -1)}
    state = replace(HouseholdState.new("h1"), intents=old, learned=MAX_INTENTS)
    _, state = run(send_message(), bundle, state)
    state = closed(state, bundle)
    assert len(state.intents) == MAX_INTENTS
    assert SEND in state.intents
    assert "a.I1" not in state.intents


def test_early_outcomes_and_pending_chains_are_bounded(bundle: Bundle) -> None:
    state = HouseholdState.new("h1")
    for number in range(MAX_EARLY + 3):
        state = apply_outcome(
            state,
            outcome(f"x{number}", OutcomeKind.EXECUTED),
            at=outcome(f"x{number}", OutcomeKind.EXECUTED).time.timestamp(),
        )
    assert [waiting.event_id for waiting in state.early] == [
        f"x{number}" for number in range(3, MAX_EARLY + 3)
    ]
    commits = [
        event(number, commits=True, intent="lights.TurnOn") for number in range(MAX_PENDING + 3)
    ]
    _, state = run(commits, bundle, state)
    assert [chain.event_id for chain in state.pending] == [
        f"e{number}" for number in range(3, MAX_PENDING + 3)
    ]


USAGES = st.dictionaries(
    st.sampled_from("abcde"),
    st.builds(Usage, count=st.floats(0.01, 50), session=st.integers(0, 30)),
)


@given(USAGES, st.integers(0, 60), st.integers(1, 6))
def test_the_predictive_is_a_distribution(
    usages: dict[str, Usage], session: int, kinds: int
) -> None:
    keys = "abcdef"[:kinds]
    known = {key: usage for key, usage in usages.items() if key in keys}
    total = sum(2.0 ** -predictive_bits(known, key, session, 1.0 / kinds) for key in keys)
    assert total == pytest.approx(1.0)


@given(USAGES, st.integers(0, 60))
def test_the_predictive_of_the_unseen_is_finite(usages: dict[str, Usage], session: int) -> None:
    assert 0 < predictive_bits(usages, "never", session, 1e-6) < 40


def test_a_household_without_history_is_the_population() -> None:
    assert predictive_bits({}, "any", 1, 0.25) == pytest.approx(2.0)


def test_use_makes_an_intent_likelier_and_time_makes_it_less_likely() -> None:
    used = {"lights": Usage(count=5.0, session=10)}
    now, later = (predictive_bits(used, "lights", session, 0.01) for session in (10, 100))
    assert now < later < predictive_bits({}, "lights", 10, 0.01)


def test_learning_is_a_function_of_its_arguments(bundle: Bundle) -> None:
    """The order of a set does not affect the state: two runs give the same text."""
    events = [each for session in training_sessions()[1::2] for each in session]
    first, again = (repr(closed(run(events, bundle)[1], bundle, day=9.0)) for _ in range(2))
    assert first == again
    assert Population.of([events]) == Population.of([list(events)])
