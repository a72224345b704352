"""Labels change what a household has learned, and withdrawing them changes it back.

A household with labels keeps its habits twice: without the labels, and with them. It goes on
learning without them, and after each change the habits with them are derived anew. A withdrawn
label therefore leaves the habits that the household would have without it.

A *meant* label adds the command as if it had been learned when the label came. A *misfire* label
subtracts what is left of the command: its decayed use, its counts and its slot values. The number
of learned sessions and the share of sessions with something new stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

from detector.contracts.events import domain_of
from detector.contracts.standing import MEANT
from detector.household.command_counts import with_acceptance, with_meant
from detector.household.decayed_uses import add_use_at, hours_at
from detector.household.fast_replace import changed
from detector.household.past_commands import event_digest, find_command
from detector.household.state import MAX_INTENTS, MAX_TOKENS, Habits, HouseholdState, Labelled
from detector.household.unlearning import unlearned

__all__ = ["is_misfire", "relearned", "with_labels", "without_labels"]

_HABITS = tuple(each.name for each in fields(Habits))


def is_misfire(state: HouseholdState, event_id: str) -> bool:
    """Return whether a label in force says that an event was a misfire."""
    if not state.labels:
        return False
    event = event_digest(event_id)
    return any(each.misfire and each.command.event == event for each in state.labels)


def relearned(
    state: HouseholdState, change: Callable[[HouseholdState], HouseholdState]
) -> HouseholdState:
    """Apply a change of habits to the household without its labels, then the labels again."""
    return with_labels(change(without_labels(state))) if state.labels else change(state)


def without_labels(state: HouseholdState) -> HouseholdState:
    """Return the household with the habits that it has without its labels."""
    bare = state.unlabelled
    if bare is None:
        return state
    return changed(state, unlabelled=None, **{name: getattr(bare, name) for name in _HABITS})


def with_labels(state: HouseholdState) -> HouseholdState:
    """Apply the labels to a household that has its habits without them."""
    if not state.labels:
        return changed(state, unlabelled=None)
    bare = Habits(**{name: getattr(state, name) for name in _HABITS})
    labels = tuple(_current(state, each) for each in state.labels)
    after = changed(state, labels=labels)
    for each in labels:
        after = _with(after, each)
    return changed(after, unlabelled=bare)


def _current(state: HouseholdState, label: Labelled) -> Labelled:
    """Return the label with its command as it is now: it may have been learned meanwhile."""
    command = find_command(state, label.command.event) or label.command
    if not label.misfire:
        return replace(label, command=command)
    others = {
        token
        for past in state.past
        if past.lesson and not _labelled_misfire(state, past.event)
        for token in past.tokens
    }
    # A value that another command has taught since stays known when that command is forgotten.
    known = label.tokens if label.command.lesson else command.tokens
    kept = tuple(each for each in known if each not in others)
    return replace(label, command=command, tokens=kept)


def _labelled_misfire(state: HouseholdState, event: str) -> bool:
    return any(each.misfire and each.command.event == event for each in state.labels)


def _with(state: HouseholdState, label: Labelled) -> HouseholdState:
    command = label.command
    commands = with_acceptance(
        state.commands, command.intent, command.seconds, accepted=not label.misfire
    )
    state = changed(state, commands=commands)
    if label.misfire:
        return unlearned(state, label) if command.lesson else state
    return (
        state if command.lesson or _will_be_learned(state, command.event) else _taught(state, label)
    )


def _will_be_learned(state: HouseholdState, event: str) -> bool:
    return any(
        each.standing in MEANT and event_digest(each.event_id) == event for each in state.pending
    )


def _taught(state: HouseholdState, label: Labelled) -> HouseholdState:
    """Return the household as if it had learned the command when the label came."""
    command, session = label.command, label.session
    device_seconds = command.seconds + command.ahead
    return changed(
        state,
        intents=add_use_at(state.intents, command.intent, session, MAX_INTENTS),
        domains=add_use_at(state.domains, domain_of(command.intent), session, MAX_INTENTS),
        tokens=(
            *command.tokens,
            *(known for known in state.tokens if known not in command.tokens),
        )[:MAX_TOKENS],
        hours=hours_at(state.hours, device_seconds, sessions_ago=state.learned - session),
        commands=with_meant(
            state.commands,
            command.intent,
            command.contexts,
            command.device,
            device_seconds=device_seconds,
            at=command.seconds,
        ),
    )
