"""Applies a label to its household: the latest label of an event counts.

A label outranks the outcomes of its event. Without a label, and after a withdrawal, the outcomes
decide (``contracts/outcome_table.py``). A label never authorises: it lets no command run, confirms
no question, and makes no physical command familiar (``decision/first_time.py``).
"""

from __future__ import annotations

from detector.contracts.labels import Label, LabelEffect, LabelKind
from detector.contracts.standing import MEANT, Standing
from detector.household.fast_replace import changed
from detector.household.learning import LESSONS_A_DAY
from detector.household.past_commands import event_digest, find_command
from detector.household.relearning import with_labels, without_labels
from detector.household.standings import standing_of
from detector.household.state import MAX_LABELS, HouseholdState, Labelled, PastCommand

__all__ = ["MAX_LABEL_IDS", "apply_label"]

#: Ids kept of the latest labels. A label that is sent again is recognised among them.
MAX_LABEL_IDS = 32
_DAY = 86_400


def apply_label(
    state: HouseholdState, label: Label, *, at: float
) -> tuple[LabelEffect, HouseholdState]:
    """Apply a label at its log time ``at``; return its effect and the household afterwards.

    A label that is sent again, with the same id, changes nothing.
    """
    name = event_digest(label.label_id)
    if name in state.label_ids:
        return LabelEffect.UNCHANGED, state
    event = event_digest(label.event_id)
    before = next((each for each in state.labels if each.command.event == event), None)
    command = find_command(state, event) or (before.command if before else None)
    if command is None:
        unknown = standing_of(state, label.event_id, at=at) is Standing.NO_COMMAND
        return LabelEffect.NOT_A_COMMAND if unknown else LabelEffect.FORGOTTEN, state
    known = changed(state, label_ids=(*state.label_ids, name)[-MAX_LABEL_IDS:])
    if label.label is not LabelKind.WITHDRAWN:
        return _labelled(known, label, command, before, at)
    if before is None:
        return LabelEffect.UNCHANGED, known
    return LabelEffect.RESTORED, with_labels(_without(known, before))


def _labelled(
    state: HouseholdState,
    label: Label,
    command: PastCommand,
    before: Labelled | None,
    at: float,
) -> tuple[LabelEffect, HouseholdState]:
    """Put a label in the place of the one ``before`` it."""
    misfire = label.label is LabelKind.MISFIRE
    if before is not None and before.misfire is misfire:
        return LabelEffect.UNCHANGED, state
    others = _without(state, before)
    effect = _effect(others, label, command, at)
    if effect is LabelEffect.UNCHANGED and before is not None:
        effect = LabelEffect.RESTORED
    if effect is LabelEffect.DAY_FULL:
        return effect, with_labels(others)
    tokens = command.tokens if misfire else ()
    new = Labelled(command=command, misfire=misfire, at=at, session=state.learned, tokens=tokens)
    return effect, with_labels(_with_room(others, new))


def _without(state: HouseholdState, label: Labelled | None) -> HouseholdState:
    """Return the household without a label, and with its habits without any."""
    rest = tuple(each for each in state.labels if each is not label)
    return changed(without_labels(state), labels=rest)


def _effect(state: HouseholdState, label: Label, command: PastCommand, at: float) -> LabelEffect:
    """Return what a label changes in a household without other labels of the event."""
    learned = command.lesson > 0
    will_be_learned = any(
        each.event_id == label.event_id and each.standing in MEANT for each in state.pending
    )
    if (label.label is LabelKind.MISFIRE) is not (learned or will_be_learned):
        return LabelEffect.UNCHANGED
    if label.label is LabelKind.MISFIRE:
        return LabelEffect.UNLEARNED if learned else LabelEffect.NOT_LEARNED
    return LabelEffect.DAY_FULL if _lessons(state, at) >= LESSONS_A_DAY else LabelEffect.TAUGHT


def _lessons(state: HouseholdState, at: float) -> int:
    """Return the lessons of the day: learned sessions, and labels that say *meant*."""
    day = int(at // _DAY)
    sessions = state.taught if state.taught_on >= day else 0
    return sessions + sum(int(each.at // _DAY) == day for each in state.labels if not each.misfire)


def _with_room(state: HouseholdState, new: Labelled) -> HouseholdState:
    """Add a label; beyond ``MAX_LABELS``, the effect of the oldest one becomes final.

    ``state`` has its habits without its labels.
    """
    labels = (*state.labels, new)
    if len(labels) <= MAX_LABELS:
        return changed(state, labels=labels)
    oldest, *rest = labels
    final = with_labels(changed(state, labels=(oldest,)))
    return changed(final, labels=tuple(rest), unlabelled=None)
