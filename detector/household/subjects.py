"""What a conversation is about: a session's turns in a row about one domain, commands among them or not.

A chain begins at its intent; what nobody meant often begins earlier, at the turn that changed the subject.
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
        subject: the subject before, ``None`` at the first turn.
        event: the turn. A ``conversation`` turn belongs to whatever is being talked about.
        turn: its index in the session.
        bits: its surprisal.
        slot_bits: the surprisal of which slots it says.
        population: knows which intents are commands.
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
        told=() if previous is None else _told(previous),
        follows_command=None if previous is None else previous.commits > 0,
        interrupts=None
        if previous is None
        else previous.intent in population.committing and not previous.committed,
    )


def _told(previous: Subject) -> tuple[str, ...]:
    said = {*previous.told, *qualified(previous.domain, previous.slots)}
    return tuple(sorted(said))[:MAX_KNOWN_SLOTS]
