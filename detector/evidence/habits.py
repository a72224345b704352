"""Terms about the household's habits: the intent, its domain, its slot values and the hour."""

from __future__ import annotations

import math
from operator import attrgetter

from detector.evidence.context import MISSING, Moment, Term
from detector.evidence.sentences import RARE, RARER, Sentences, always
from detector.household.decayed_uses import strength
from detector.household.learning import predictive_bits, token
from detector.population.base_rates import PARTS_OF_WEEK, part_of_week

__all__ = ["TERMS"]

#: Bound of the recency in sessions; a count decays to a third by then.
_LONG_AGO = 50
#: Bounds of decayed counts. A domain below the first was tried about once (fewer than two uses).
#: One at or above the second is used regularly (three uses, one of them long ago).
_TRIED, _KEPT = 1.6, 2.5
#: Decayed count from which something counts as recently used: one use, 25 sessions ago.
_USED = 0.6
#: Surprisal in bits from which a household is inactive at an hour: half of an even share.
_QUIET = math.log2(2 * PARTS_OF_WEEK)


def _intent_bits(moment: Moment) -> float:
    base = moment.population.intent_rate(moment.event.intent)
    return predictive_bits(moment.household.intents, moment.event.intent, moment.number, base)


def _domain_lift(moment: Moment) -> float:
    return moment.domain_bits + math.log2(moment.population.domain_rate(moment.event.domain))


def _recency(moment: Moment) -> float:
    """Return the learned sessions since the domain's last use, at most ``_LONG_AGO``.

    If the household never used the domain, return the number of its learned sessions (censored).
    """
    usage = moment.household.domains.get(moment.event.domain)
    return float(min(moment.number - (usage.session if usage else 0), _LONG_AGO))


def _unknown_tokens(moment: Moment) -> float:
    slots = moment.chain.slots
    if not slots:
        return MISSING
    known = moment.household.tokens
    return sum([token(name, value) not in known for name, value in slots.items()]) / len(slots)


def _hour_bits(moment: Moment) -> float:
    """Return the surprisal of the part of the week in this household.

    The domain's hours in the population are a Dirichlet prior of strength 4.
    """
    part = part_of_week(moment.session.device_seconds)
    hours = moment.household.hours or (0.0,) * PARTS_OF_WEEK
    base = moment.population.hour_rate(moment.event.domain, part)
    return -math.log2((hours[part] + 4.0 * base) / (sum(hours) + 4.0))


TERMS = (
    Term(
        "domain_bits",
        "bits",
        "surprisal of the domain under the household's Pitman-Yor predictive",
        Sentences(
            "this household hardly ever does anything of that kind ({value:.1f} bits)",
            "it is not rare for this household to do something of that kind",
            edge=RARE,
        ),
        attrgetter("domain_bits"),
    ),
    Term(
        "intent_bits",
        "bits",
        "surprisal of the intent under the household's Pitman-Yor predictive",
        Sentences(
            "this household hardly ever asks for {intent} ({value:.1f} bits)",
            "it is not rare for this household to ask for {intent}",
            edge=RARE,
        ),
        _intent_bits,
    ),
    Term(
        "domain_lift",
        "bits",
        "how much rarer the domain is here than among all households",
        Sentences(
            "other households do this more often ({value:.1f} bits)",
            "other households do this no more often",
            edge=RARER,
        ),
        _domain_lift,
    ),
    Term(
        "domain_count",
        "sessions",
        "decayed count of the household's meant sessions with the domain",
        Sentences(
            "this household has recently done something of that kind about {value:.0f} time{s}",
            "this household has not recently done anything of that kind",
            edge=_USED,
        ),
        lambda moment: strength(moment.household.domains.get(moment.event.domain), moment.number),
    ),
    Term(
        "intent_count",
        "sessions",
        "decayed count of the household's meant sessions with the intent",
        Sentences(
            "this household has recently used {intent} about {value:.0f} time{s}",
            "this household has not recently used {intent}",
            edge=_USED,
        ),
        lambda moment: strength(moment.household.intents.get(moment.event.intent), moment.number),
    ),
    Term(
        "domain_recency",
        "sessions",
        "meant sessions since the household last used the domain, or all of them if it never did",
        always("the last use of that kind, if any, was at least {value:.0f} session{s} ago"),
        _recency,
    ),
    Term(
        "population_bits",
        "bits",
        "rarity of the domain among all households",
        Sentences(
            "commands of that kind are rare among all households ({value:.1f} bits)",
            "commands of that kind are not rare among all households",
            edge=RARE,
        ),
        lambda moment: -math.log2(moment.population.domain_rate(moment.event.domain)),
    ),
    Term(
        "settledness",
        "share",
        "decayed share of the household's sessions that used a domain for the first time",
        always("this household tries something new in {value:.0%} of its sessions"),
        attrgetter("household.novelty"),
    ),
    Term(
        "kept_domains",
        "domains",
        "other domains that the household uses regularly",
        always("this household regularly uses {value:.0f} other domain{s}"),
        lambda moment: float(sum([count >= _KEPT for count in moment.other_domains])),
    ),
    Term(
        "tried_domains",
        "domains",
        "other domains that the household used about once",
        always("this household used {value:.0f} other domain{s} about once"),
        lambda moment: float(sum([count < _TRIED for count in moment.other_domains])),
    ),
    Term(
        "unknown_tokens",
        "share",
        "share of the chain's slot values that the household never used in a meant chain",
        Sentences(
            "this household has not recently used {value:.0%} of the values in it",
            "this household has recently used all values in it",
            edge=0.01,
        ),
        _unknown_tokens,
    ),
    Term(
        "hour_bits",
        "bits",
        "surprisal of the part of the week under the household's hours",
        Sentences(
            "this household is usually inactive at that hour ({value:.1f} bits)",
            "it is not rare for this household to be active at that hour",
            edge=_QUIET,
        ),
        _hour_bits,
    ),
)
