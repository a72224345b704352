"""A label changes what its household has learned, and its withdrawal changes it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.contracts.events import Act, IntentEvent, OutcomeKind
from detector.contracts.labels import Label, LabelEffect, LabelKind
from detector.decision.decide import apply_outcome
from detector.decision.first_time import is_familiar
from detector.household.labelling import apply_label
from detector.household.learning import LESSONS_A_DAY, token
from detector.household.relearning import is_misfire
from detector.household.state import HABITS, MAX_LABELS, MAX_PAST, HouseholdState
from tests.detector.builders import (
    ABSURD,
    START,
    SURE,
    dialogue,
    hand_bundle,
    heard,
    outcome,
    run,
    send_message,
)

SEND = "messages.SendMessage"
MEANT, MISFIRE, WITHDRAWN = LabelKind.MEANT, LabelKind.MISFIRE, LabelKind.WITHDRAWN
BUNDLE = hand_bundle()
DAY = 86_400.0


def label(
    state: HouseholdState, event_id: str, kind: LabelKind, *, at: float = DAY, name: str = ""
) -> tuple[LabelEffect, HouseholdState]:
    """Label an event ``at`` seconds after ``START``."""
    seconds = START.timestamp() + at
    given_label = Label(
        label_id=name or f"{event_id}-{kind}-{at}",
        event_id=event_id,
        household_id="h1",
        label=kind,
        why="a test",
        by="tester",
        time=datetime.fromtimestamp(seconds, UTC),
    )
    return apply_label(state, given_label, at=seconds)


def habits(state: HouseholdState) -> dict[str, object]:
    """Return what a household learned, without the ids of its labels."""
    return {name: getattr(state, name) for name in HABITS if name != "label_ids"}


def sessions(*wakes: float, first: int = 0) -> list[IntentEvent]:
    """Return sessions of one message each, a day apart; the contact differs in each."""
    return [
        each
        for number, wake in enumerate(wakes, first)
        for each in heard(
            send_message(10 * number, f"k1_{number:04x}", session=f"s{number}", days=number), wake
        )
    ]


def closing(days: float) -> list[IntentEvent]:
    """Return a session without a command, which closes all others."""
    number = int(days)
    return dialogue(
        (SEND, Act.INITIATE, False), first=9_000 + number, session=f"closing{number}", days=days
    )


def after(*wakes: float) -> HouseholdState:
    """Return a household after sessions of these confidences, all of them closed."""
    return run([*sessions(*wakes), *closing(len(wakes))], BUNDLE)[1]


def test_an_interrupted_command_that_was_meant_is_learned_at_once() -> None:
    state = after(SURE, ABSURD)
    assert state.learned == 1
    assert state.intents[SEND].count == 1.0

    effect, state = label(state, "e12", MEANT)

    assert effect is LabelEffect.TAUGHT
    assert state.intents[SEND].count == state.domains["messages"].count == 2.0
    assert state.tokens[0] == token("contact", "k1_0001")
    assert state.commands.counts[""] == {SEND: 2}
    assert sum(state.hours) == 2.0
    assert state.learned == 1


def test_a_learned_command_that_was_a_misfire_is_unlearned() -> None:
    effect, state = label(after(SURE), "e2", MISFIRE)

    assert effect is LabelEffect.UNLEARNED
    assert (state.intents, state.domains, state.tokens) == ({}, {}, ())
    assert (state.commands.counts, state.commands.last_used) == ({}, {})
    assert sum(state.hours) == 0.0
    assert is_misfire(state, "e2")


def test_only_the_misfire_is_unlearned() -> None:
    state = after(SURE, SURE, SURE)

    _, state = label(state, "e12", MISFIRE)

    assert state.intents[SEND].count == pytest.approx(
        after(SURE, SURE).intents[SEND].count, abs=0.1
    )
    assert token("contact", "k1_0001") not in state.tokens
    assert {token("contact", "k1_0000"), token("contact", "k1_0002")} <= set(state.tokens)
    assert state.commands.counts[""] == {SEND: 2}


def test_a_use_before_the_misfire_is_the_last_use_again() -> None:
    state = after(SURE, SURE)

    _, state = label(state, "e12", MISFIRE)

    assert state.commands.last_used[SEND] == START.timestamp() + 20.0


def test_a_misfire_that_is_not_learned_yet_is_not_learned() -> None:
    state = run(sessions(SURE), BUNDLE)[1]

    effect, state = label(state, "e2", MISFIRE, at=30.0)
    state = run(closing(1.0), BUNDLE, state)[1]

    assert effect is LabelEffect.NOT_LEARNED
    assert (state.intents, state.tokens, state.commands.counts) == ({}, (), {})
    assert not state.commands.latest[-1].accepted


def test_a_value_that_a_later_command_teaches_is_known_in_spite_of_the_misfire() -> None:
    _, state = label(after(SURE), "e2", MISFIRE)
    again = heard(send_message(100, "k1_0000", session="again", days=2.0), SURE)

    state = run([*again, *closing(3.0)], BUNDLE, state)[1]
    _, state = label(state, "e102", MEANT)

    assert state.tokens == (token("contact", "k1_0000"),)


@pytest.mark.parametrize(
    ("wake", "kind", "effect"),
    [
        (SURE, MEANT, LabelEffect.UNCHANGED),
        (ABSURD, MISFIRE, LabelEffect.UNCHANGED),
        (SURE, WITHDRAWN, LabelEffect.UNCHANGED),
    ],
)
def test_a_label_that_agrees_changes_no_habit(
    wake: float, kind: LabelKind, effect: LabelEffect
) -> None:
    before = after(wake)

    found, state = label(before, "e2", kind)

    assert found is effect
    assert (state.intents, state.tokens, state.hours) == (
        before.intents,
        before.tokens,
        before.hours,
    )


def test_a_label_of_an_unknown_event_or_a_turn_changes_nothing() -> None:
    state = after(SURE)

    assert label(state, "unknown", MISFIRE) == (LabelEffect.FORGOTTEN, state)
    assert label(state, "e9001", MISFIRE) == (LabelEffect.NOT_A_COMMAND, state)


def test_the_latest_label_of_an_event_counts() -> None:
    before = after(SURE)

    _, state = label(before, "e2", MISFIRE, at=DAY)
    effect, state = label(state, "e2", MEANT, at=DAY + 1)

    assert effect is LabelEffect.RESTORED
    assert state.intents == before.intents
    assert not is_misfire(state, "e2")


def test_a_label_outranks_an_earlier_and_a_later_outcome() -> None:
    state = run(sessions(SURE), BUNDLE)[1]
    undone = outcome("e2", OutcomeKind.UNDONE, seconds=25.0)
    executed = outcome("e2", OutcomeKind.EXECUTED, seconds=25.0)

    denied = apply_outcome(state, undone, at=undone.time.timestamp())
    effect, meant = label(denied, "e2", MEANT, at=30.0)
    assert effect is LabelEffect.TAUGHT
    assert set(run(closing(1.0), BUNDLE, meant)[1].intents) == {SEND}

    _, misfire = label(state, "e2", MISFIRE, at=24.0)
    ran = apply_outcome(misfire, executed, at=executed.time.timestamp())
    assert run(closing(1.0), BUNDLE, ran)[1].intents == {}
    assert not ran.commands.latest[-1].accepted


def test_a_repeated_label_changes_nothing_even_after_another_one() -> None:
    _, state = label(after(SURE), "e2", MISFIRE, name="first")
    _, state = label(state, "e2", WITHDRAWN, name="second")

    assert label(state, "e2", MISFIRE, name="first") == (LabelEffect.UNCHANGED, state)


def test_labels_teach_within_the_lessons_of_a_day() -> None:
    state = replace(after(ABSURD, ABSURD), taught=LESSONS_A_DAY - 1, taught_on=20_459)
    at = 20_459 * DAY - START.timestamp()

    taught, state = label(state, "e2", MEANT, at=at)
    full, state = label(state, "e12", MEANT, at=at)
    next_day, _ = label(state, "e12", MEANT, at=at + DAY)

    assert (taught, full, next_day) == (
        LabelEffect.TAUGHT,
        LabelEffect.DAY_FULL,
        LabelEffect.TAUGHT,
    )


def test_a_label_makes_no_physical_command_familiar() -> None:
    lock = "locks.UnlockDoor"
    events = dialogue((lock, Act.INITIATE, True), wake_confidence=ABSURD)
    at = START.timestamp()
    state = run([*events, *closing(1.0)], BUNDLE)[1]

    effect, state = label(state, "e0", MEANT)

    assert effect is LabelEffect.TAUGHT
    assert lock in state.intents
    assert not is_familiar(state, lock, at)


def test_a_misfire_makes_a_physical_command_new_again() -> None:
    at = START.timestamp() + DAY
    state = after(SURE)
    assert is_familiar(state, SEND, at)

    assert not is_familiar(label(state, "e2", MISFIRE)[1], SEND, at)


def test_the_household_remembers_its_latest_commands_and_labels() -> None:
    state = after(*(SURE,) * (MAX_PAST + 2))
    assert len(state.past) == MAX_PAST
    assert label(state, "e2", MISFIRE)[0] is LabelEffect.FORGOTTEN

    for number in range(2, MAX_PAST + 2):
        _, state = label(state, f"e{10 * number + 2}", MISFIRE, at=40 * DAY + number)
    more = sessions(SURE, first=60)
    state = run([*more, *closing(61.0)], BUNDLE, state)[1]
    _, state = label(state, more[-1].event_id, MISFIRE, at=62 * DAY)
    assert len(state.labels) == MAX_LABELS
    assert set(state.intents) <= {SEND}


def test_a_label_can_be_withdrawn_after_its_command_is_forgotten() -> None:
    _, state = label(after(SURE), "e2", MISFIRE)
    later = [*sessions(*(SURE,) * MAX_PAST, first=2), *closing(40.0)]

    effect, state = label(run(later, BUNDLE, state)[1], "e2", WITHDRAWN)

    assert effect is LabelEffect.RESTORED
    assert habits(state) == habits(run(later, BUNDLE, after(SURE))[1])


@settings(max_examples=60, deadline=None)
@given(
    wakes=st.lists(st.sampled_from([SURE, ABSURD]), min_size=1, max_size=8),
    steps=st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from([MEANT, MISFIRE])),
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
    kept=st.integers(0, 7),
)
def test_a_withdrawn_label_leaves_the_habits_that_the_household_would_have_without_it(
    wakes: list[float],
    steps: list[tuple[int, int, LabelKind]],
    order: Random,
    kept: int,
) -> None:
    """All labels but those of one event are withdrawn, in any order."""
    events = sessions(*wakes)
    alone, labelled = HouseholdState.new("h1"), HouseholdState.new("h1")
    for number in range(len(wakes)):
        turns = events[3 * number : 3 * number + 3]
        alone, labelled = (run(turns, BUNDLE, each)[1] for each in (alone, labelled))
        for when, target, kind in steps:
            if when == number and target <= number:
                event_id, at = f"e{10 * target + 2}", number * DAY + 30.0
                _, labelled = label(labelled, event_id, kind, at=at)
                if target == kept:
                    _, alone = label(alone, event_id, kind, at=at)
    targets = sorted({target for _, target, _ in steps if target != kept})
    order.shuffle(targets)
    for target in targets:
        _, labelled = label(labelled, f"e{10 * target + 2}", WITHDRAWN, at=len(wakes) * DAY)
    end = closing(len(wakes) + 1.0)
    assert habits(run(end, BUNDLE, labelled)[1]) == habits(run(end, BUNDLE, alone)[1])
