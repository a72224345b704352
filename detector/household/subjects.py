"""The subject of a conversation: the session's latest consecutive turns about one domain.

A chain begins at the turn that initiates its intent. A misfire often begins earlier, at the turn
that changed the subject.
"""

from __future__ import annotations

from detector.contracts.events import CONVERSATION, IntentEvent
from detector.household.fast_replace import changed
from detector.household.state import MAX_KNOWN_SLOTS, MAX_TURNS, Subject
from detector.population.base_rates import Population
from detector.population.slot_pairs import qualified

__all__ = ["follow"]


def follow(
    subject: Subject | None,
    event: IntentEvent,
    *,
    turn: int,
    bits: float,
    slot_bits: float,
    population: Population,
) -> Subject:
    """Return the session's subject after ``event``.

    Args:
        subject: the subject before the event; ``None`` at the first turn.
        event: the turn. A ``conversation`` turn belongs to the current subject.
        turn: the turn's index in the session.
        bits: the turn's surprisal in bits.
        slot_bits: the surprisal in bits of the turn's set of slot names.
        population: the statistics that say which intents are commands.
    """
    domain = event.domain
    changes = subject is None or domain not in (subject.domain, CONVERSATION)
    opens = subject is None or (changes and subject.domain != CONVERSATION)
    before = _opened(subject, event, turn, population) if subject is None or opens else subject
    known = before.slots
    return changed(
        before,
        domain=domain if changes else before.domain,
        intent=before.intent if domain == CONVERSATION else event.intent,
        bits=(*before.bits, bits)[-MAX_TURNS:],
        slot_bits=(*before.slot_bits, slot_bits)[-MAX_TURNS:],
        slots=known
        if not event.slots or event.slots.keys() <= set(known)
        else tuple(sorted({*known, *event.slots}))[:MAX_TURNS],
        commits=before.commits + event.commits,
        committed=event.commits or (before.committed and event.intent == before.intent),
    )


def _opened(
    previous: Subject | None, event: IntentEvent, turn: int, population: Population
) -> Subject:
    return Subject(
        domain=event.domain,
        intent=event.intent,
        start=turn,
        told=() if previous is None else _earlier_slots(previous),
        follows_command=None if previous is None else previous.commits > 0,
        interrupts=None
        if previous is None
        else previous.intent in population.committing and not previous.committed,
    )


def _earlier_slots(previous: Subject) -> tuple[str, ...]:
    names = {*previous.told, *qualified(previous.domain, previous.slots)}
    return tuple(sorted(names))[:MAX_KNOWN_SLOTS]
