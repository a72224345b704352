"""Where the subject came from that the chain belongs to: the turns in a row about its domain, from the one that changed to it."""

from __future__ import annotations

import math

from detector.evidence.context import MISSING, Moment, Term, of_subject
from detector.household.state import Subject

__all__ = ["TERMS"]


def _flag(value: bool | None) -> float:
    return MISSING if value is None else float(value)


def _lift(moment: Moment) -> float:
    subject = moment.session.subject
    if subject is None:
        return MISSING
    return subject.bits[0] + math.log2(moment.population.domain_rate(subject.domain))


def _opening_lift(moment: Moment, subject: Subject) -> float:
    return subject.bits[0] - moment.opening_bits if subject.start else MISSING


def _slot_set_bits(moment: Moment) -> float:
    """Surprisal of the set of slots that the subject's turns have said by now, each taken on its own."""
    usual, subject = moment.population.within.get(moment.event.intent), moment.session.subject
    if usual is None or subject is None:
        return MISSING
    return sum(
        -math.log2(rate if name in subject.slots else 1.0 - rate) for name, rate in usual.items()
    )


def _slots_missing(moment: Moment) -> float:
    usual, subject = moment.population.within.get(moment.event.intent), moment.session.subject
    if not usual or subject is None:
        return MISSING
    return sum(rate for name, rate in usual.items() if name not in subject.slots)


TERMS = (
    Term(
        "subject_first_bits",
        "bits",
        "surprisal of the turn that changed the subject to this",
        "nothing led up to that subject ({value:.1f} bits)",
        of_subject(lambda _, subject: subject.bits[0]),
    ),
    Term(
        "opening_bits",
        "bits",
        "surprisal of the turn that changed the subject as the first of a conversation",
        "conversations hardly ever begin like that ({value:.1f} bits)",
        lambda moment: moment.opening_bits,
    ),
    Term(
        "opening_lift",
        "bits",
        "how much rarer the turn that changed the subject is where it stands than as the first of a conversation",
        "it would begin a conversation, but hardly goes on with this one ({value:.1f} bits)",
        of_subject(_opening_lift),
    ),
    Term(
        "subject_peak_bits",
        "bits",
        "surprisal of the most surprising turn since the subject changed",
        "since the subject changed, one turn carries {value:.1f} bits where it stands",
        of_subject(lambda _, subject: max(subject.bits)),
    ),
    Term(
        "subject_bits",
        "bits",
        "surprisal of all turns since the subject changed",
        "what was said since the subject changed carries {value:.1f} bits",
        of_subject(lambda _, subject: sum(subject.bits)),
    ),
    Term(
        "subject_rest_bits",
        "bits",
        "surprisal of the most surprising turn after the one that changed the subject",
        "once begun, one turn carries {value:.1f} bits where it stands",
        of_subject(lambda _, subject: max(subject.bits[1:], default=MISSING)),
    ),
    Term(
        "subject_lift",
        "bits",
        "surprisal of the change of subject beyond the rarity of its domain",
        "even for that subject it begins oddly, by {value:.1f} bits",
        _lift,
    ),
    Term(
        "subject_turns",
        "events",
        "turns since the subject changed",
        "the subject is only {value:.0f} turns old",
        of_subject(lambda _, subject: float(len(subject.bits))),
    ),
    Term(
        "subject_before",
        "events",
        "turns of the session before the subject changed",
        "{value:.0f} turns were about something else",
        of_subject(lambda _, subject: float(min(subject.start, 12))),
    ),
    Term(
        "follows_command",
        "0 or 1",
        "whether the subject before held a command; missing at the first subject",
        "what was talked about before had not led to a command",
        of_subject(lambda _, subject: _flag(subject.follows_command)),
    ),
    Term(
        "interrupts",
        "0 or 1",
        "whether the subject before was left in the middle of a command; missing at the first subject",
        "it breaks into another command that was never finished",
        of_subject(lambda _, subject: _flag(subject.interrupts)),
    ),
    Term(
        "returns",
        "0 or 1",
        "whether the session had been about this domain earlier, and about another one in between",
        "the conversation came back to that subject",
        of_subject(lambda moment, subject: float(subject.domain in moment.earlier)),
    ),
    Term(
        "said_again",
        "commands",
        "commands of the same intent that the session held before",
        "the conversation had already led to {intent}",
        lambda moment: float(min(moment.session.committed.count(moment.event.intent), 4)),
    ),
    Term(
        "subject_commands",
        "commands",
        "commands of the subject before this one",
        "it is not the subject's first command",
        of_subject(lambda _, subject: float(min(subject.commits - 1, 4))),
    ),
    Term(
        "turn_slot_bits",
        "bits",
        "surprisal of which slots each turn of the subject said, summed",
        "people usually say these details in another order ({value:.1f} bits)",
        of_subject(lambda _, subject: sum(subject.slot_bits)),
    ),
    Term(
        "turn_slot_peak_bits",
        "bits",
        "surprisal of which slots a turn of the subject said, the most surprising one",
        "one turn says details that are unusual where it stands ({value:.1f} bits)",
        of_subject(lambda _, subject: max(subject.slot_bits)),
    ),
    Term(
        "turn_slot_first_bits",
        "bits",
        "surprisal of which slots the turn said that changed the subject",
        "it begins with details that are unusual for a beginning ({value:.1f} bits)",
        of_subject(lambda _, subject: subject.slot_bits[0]),
    ),
    Term(
        "subject_slot_bits",
        "bits",
        "surprisal of which slots were said since the subject changed",
        "what was said and left unsaid since then is unusual for {intent} ({value:.1f} bits)",
        _slot_set_bits,
    ),
    Term(
        "subject_slots_missing",
        "slots",
        "expected number of slots that are usually said since the subject changed and were not",
        "about {value:.1f} of the details that people say for {intent} were not said",
        _slots_missing,
    ),
)
