"""Terms about the subject of the chain: the consecutive turns about its domain."""

from __future__ import annotations

import math
from operator import attrgetter

from detector.evidence.context import MISSING, Moment, Term, of_subject
from detector.evidence.sentences import RARE, RARE_SEQUENCE, RARER, Sentences, always, yes_no
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
    """Return the surprisal of the set of slots of the subject, each slot taken independently."""
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
        "surprisal of the turn that changed the subject",
        Sentences(
            "the turn that changed the subject is rare in its place ({value:.1f} bits)",
            "the turn that changed the subject is not rare in its place",
            edge=RARE,
        ),
        of_subject(lambda _, subject: subject.bits[0]),
    ),
    Term(
        "opening_bits",
        "bits",
        "surprisal of the turn that changed the subject, as the first turn of a conversation",
        Sentences(
            "conversations hardly ever begin like that ({value:.1f} bits)",
            "it is not rare for a conversation to begin like that",
            edge=RARE,
        ),
        attrgetter("opening_bits"),
    ),
    Term(
        "opening_lift",
        "bits",
        "how much rarer the turn that changed the subject is in its place than as the first turn",
        Sentences(
            "its first turn is rarer here than at the beginning of a conversation "
            "({value:.1f} bits)",
            "its first turn is no rarer here than at the beginning of a conversation",
            edge=RARER,
        ),
        of_subject(_opening_lift),
    ),
    Term(
        "subject_peak_bits",
        "bits",
        "surprisal of the most surprising turn since the subject changed",
        Sentences(
            "a turn since the change of subject is rare in its place ({value:.1f} bits)",
            "no turn since the change of subject is rare in its place",
            edge=RARE,
        ),
        of_subject(lambda _, subject: max(subject.bits)),
    ),
    Term(
        "subject_bits",
        "bits",
        "surprisal of all turns since the subject changed",
        Sentences(
            "the turns since the change of subject are rare as a sequence ({value:.1f} bits)",
            "the turns since the change of subject are not rare as a sequence",
            edge=RARE_SEQUENCE,
        ),
        of_subject(lambda _, subject: sum(subject.bits)),
    ),
    Term(
        "subject_rest_bits",
        "bits",
        "surprisal of the most surprising turn after the one that changed the subject",
        Sentences(
            "a turn after the change of subject is rare in its place ({value:.1f} bits)",
            "no turn after the change of subject is rare in its place",
            edge=RARE,
        ),
        of_subject(lambda _, subject: max(subject.bits[1:], default=MISSING)),
    ),
    Term(
        "subject_lift",
        "bits",
        "surprisal of the change of subject beyond the rarity of its domain",
        Sentences(
            "the turn that changed the subject is rarer than its domain ({value:.1f} bits)",
            "the turn that changed the subject is no rarer than its domain",
            edge=RARER,
        ),
        _lift,
    ),
    Term(
        "subject_turns",
        "events",
        "turns since the subject changed",
        always("the subject has lasted for {value:.0f} turn{s}"),
        of_subject(lambda _, subject: float(len(subject.bits))),
    ),
    Term(
        "subject_before",
        "events",
        "turns of the session before the subject changed",
        Sentences(
            "at least {value:.0f} turn{s} came before the change of subject",
            "no turn came before that subject",
            edge=1.0,
        ),
        of_subject(lambda _, subject: float(min(subject.start, 12))),
    ),
    Term(
        "follows_command",
        "0 or 1",
        "whether the previous subject had a command; missing at the first subject",
        yes_no(
            "the previous subject had led to a command",
            "the previous subject had not led to a command",
        ),
        of_subject(lambda _, subject: _flag(subject.follows_command)),
    ),
    Term(
        "interrupts",
        "0 or 1",
        "whether the previous subject ended before its command; missing at the first subject",
        yes_no(
            "it interrupts another command that was not finished",
            "it interrupts no unfinished command",
        ),
        of_subject(lambda _, subject: _flag(subject.interrupts)),
    ),
    Term(
        "returns",
        "0 or 1",
        "whether the session was about this domain earlier, and about another one in between",
        yes_no(
            "the conversation returned to that subject",
            "the conversation had not been about that subject before",
        ),
        of_subject(lambda moment, subject: float(subject.domain in moment.earlier)),
    ),
    Term(
        "said_again",
        "commands",
        "earlier commands of the same intent in the session",
        Sentences(
            "the conversation had already led to {intent}",
            "the conversation had not led to {intent} before",
            edge=1.0,
        ),
        lambda moment: float(min(moment.session.committed.count(moment.event.intent), 4)),
    ),
    Term(
        "subject_commands",
        "commands",
        "earlier commands in the subject",
        Sentences(
            "it is not the subject's first command", "it is the subject's first command", edge=1.0
        ),
        of_subject(lambda _, subject: float(min(subject.commits - 1, 4))),
    ),
    Term(
        "turn_slot_bits",
        "bits",
        "surprisal of the set of slots in each turn of the subject, summed",
        Sentences(
            "users hardly ever give these details in that order ({value:.1f} bits)",
            "it is not rare for users to give these details in that order",
            edge=RARE_SEQUENCE,
        ),
        of_subject(lambda _, subject: sum(subject.slot_bits)),
    ),
    Term(
        "turn_slot_peak_bits",
        "bits",
        "surprisal of the set of slots in a turn of the subject, most surprising turn",
        Sentences(
            "a turn gives details that are unusual in its place ({value:.1f} bits)",
            "no turn gives details that are unusual in its place",
            edge=RARE,
        ),
        of_subject(lambda _, subject: max(subject.slot_bits)),
    ),
    Term(
        "turn_slot_first_bits",
        "bits",
        "surprisal of the set of slots in the turn that changed the subject",
        Sentences(
            "its first turn gives details that are unusual there ({value:.1f} bits)",
            "its first turn gives no details that are unusual there",
            edge=RARE,
        ),
        of_subject(lambda _, subject: subject.slot_bits[0]),
    ),
    Term(
        "subject_slot_bits",
        "bits",
        "surprisal of the set of slots that were named since the subject changed",
        Sentences(
            "the details since the change of subject are unusual for {intent} ({value:.1f} bits)",
            "the details since the change of subject are not unusual for {intent}",
            edge=RARE,
        ),
        _slot_set_bits,
    ),
    Term(
        "subject_slots_missing",
        "slots",
        "expected number of usual slots of the intent that the subject lacks",
        Sentences(
            "about {value:.1f} of the usual details of {intent} were not given for that subject",
            "all usual details of {intent} were given for that subject",
            edge=0.05,
        ),
        _slots_missing,
    ),
)
