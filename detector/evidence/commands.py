"""Terms about the command among the home's commands: what it gives, where, when and after what.

They matter most in homes of one-shot commands, where a session says little else. The predictives
are hierarchical: population, home, device, previous command (``command_facts.py``).
"""

from __future__ import annotations

import math
from operator import attrgetter

from detector.evidence.context import Term
from detector.evidence.sentences import RARE, RARER, Sentences, always

__all__ = ["TERMS"]

#: log2 of the commands by which a home or device is known, and of the seconds of a week.
_KNOWN, _WEEK = 5.0, math.log2(1 + 7 * 86_400)


TERMS = (
    Term(
        "home_bits",
        "bits",
        "surprisal of the intent among the home's commands",
        Sentences(
            "this home hardly ever gives {intent} ({value:.1f} bits)",
            "it is not rare for this home to give {intent}",
            edge=RARE,
        ),
        attrgetter("facts.home_bits"),
    ),
    Term(
        "device_bits",
        "bits",
        "surprisal of the intent among the device's commands",
        Sentences(
            "this device is hardly ever used for {intent} ({value:.1f} bits)",
            "it is not rare to use this device for {intent}",
            edge=RARE,
        ),
        attrgetter("facts.device_bits"),
    ),
    Term(
        "after_bits",
        "bits",
        "surprisal of the intent after the home's previous command",
        Sentences(
            "{intent} hardly ever follows the home's previous command ({value:.1f} bits)",
            "it is not rare for {intent} to follow the home's previous command",
            edge=RARE,
        ),
        attrgetter("facts.after_bits"),
    ),
    Term(
        "device_after_bits",
        "bits",
        "surprisal of the intent after the device's previous command",
        Sentences(
            "{intent} hardly ever follows the device's previous command ({value:.1f} bits)",
            "it is not rare for {intent} to follow the device's previous command",
            edge=RARE,
        ),
        attrgetter("facts.device_after_bits"),
    ),
    Term(
        "home_domain_bits",
        "bits",
        "surprisal of the domain among the home's commands",
        Sentences(
            "this home hardly ever gives commands of that kind ({value:.1f} bits)",
            "it is not rare for this home to give commands of that kind",
            edge=RARE,
        ),
        attrgetter("facts.home_domain_bits"),
    ),
    Term(
        "device_domain_bits",
        "bits",
        "surprisal of the domain among the device's commands",
        Sentences(
            "this device is hardly ever used for commands of that kind ({value:.1f} bits)",
            "it is not rare to use this device for commands of that kind",
            edge=RARE,
        ),
        attrgetter("facts.device_domain_bits"),
    ),
    Term(
        "action_bits",
        "bits",
        "surprisal of the action, in any domain, among the home's commands",
        Sentences(
            "this home hardly ever does that to anything ({value:.1f} bits)",
            "it is not rare for this home to do that to something",
            edge=RARE,
        ),
        attrgetter("facts.action_bits"),
    ),
    Term(
        "command_rarity",
        "bits",
        "rarity of the intent among the commands of all households",
        Sentences(
            "{intent} is rare among the commands of all households ({value:.1f} bits)",
            "{intent} is not rare among the commands of all households",
            edge=RARE,
        ),
        lambda moment: -math.log2(moment.population.command_rate(moment.event.intent)),
    ),
    Term(
        "command_spread",
        "share",
        "share of all households that use the intent",
        always("of the households in the training data, {value:.0%} use {intent}"),
        lambda moment: moment.population.spread.get(moment.event.intent, 0.0),
    ),
    Term(
        "command_hour_bits",
        "bits",
        "how much rarer the part of the day is for the intent than for the home's other commands",
        Sentences(
            "at that time of day, {intent} is rarer here than other commands ({value:.1f} bits)",
            "at that time of day, {intent} is no rarer here than other commands",
            edge=RARER,
        ),
        attrgetter("facts.hour_bits"),
    ),
    Term(
        "command_own_hour_bits",
        "bits",
        "surprisal of the part of the day for the intent in this home",
        Sentences(
            "this home hardly ever gives {intent} at that time of day ({value:.1f} bits)",
            "it is not rare for this home to give {intent} at that time of day",
            edge=RARE,
        ),
        attrgetter("facts.own_hour_bits"),
    ),
    Term(
        "command_uses",
        "log2 commands",
        "recent meant uses of the intent in the home",
        Sentences(
            "this home has used {intent} before",
            "no earlier use of {intent} in this home is known",
            edge=0.5,
        ),
        attrgetter("facts.uses"),
    ),
    Term(
        "device_uses",
        "log2 commands",
        "recent meant uses of the intent at the device",
        Sentences(
            "this device has been used for {intent} before",
            "no earlier use of this device for {intent} is known",
            edge=0.5,
        ),
        attrgetter("facts.device_uses"),
    ),
    Term(
        "home_known",
        "log2 commands",
        "recent meant commands of the home; little is known at low values",
        Sentences(
            "the habits of this home are known",
            "little is known about the habits of this home so far",
            edge=_KNOWN,
        ),
        attrgetter("facts.known"),
    ),
    Term(
        "device_known",
        "log2 commands",
        "recent meant commands of the device; little is known at low values",
        Sentences(
            "the habits of this device are known",
            "little is known about the habits of this device so far",
            edge=_KNOWN,
        ),
        attrgetter("facts.device_known"),
    ),
    Term(
        "command_age",
        "log2 seconds",
        "time since the home last meant the intent",
        Sentences(
            "this home has not used {intent} for more than a week",
            "this home used {intent} within the last week",
            edge=_WEEK,
        ),
        attrgetter("facts.age"),
    ),
    Term(
        "device_age",
        "log2 seconds",
        "time since the device was last used for the intent",
        Sentences(
            "this device has not been used for {intent} for more than a week",
            "this device was used for {intent} within the last week",
            edge=_WEEK,
        ),
        attrgetter("facts.device_age"),
    ),
    Term(
        "domain_age",
        "log2 seconds",
        "time since the home last meant a command of the domain",
        Sentences(
            "this home has done nothing of that kind for more than a week",
            "this home did something of that kind within the last week",
            edge=_WEEK,
        ),
        attrgetter("facts.domain_age"),
    ),
    Term(
        "repeat_age",
        "log2 seconds",
        "time since the home last gave the intent",
        Sentences(
            "{intent} was not among the home's commands of the last week",
            "the home gave {intent} within the last week",
            edge=_WEEK,
        ),
        attrgetter("facts.repeat_age"),
    ),
    Term(
        "device_repeat_age",
        "log2 seconds",
        "time since the device last got the intent",
        Sentences(
            "{intent} was not among the device's commands of the last week",
            "the device got {intent} within the last week",
            edge=_WEEK,
        ),
        attrgetter("facts.device_repeat_age"),
    ),
    Term(
        "domain_repeat_age",
        "log2 seconds",
        "time since the home last gave a command of the domain",
        Sentences(
            "nothing of that kind was among the home's commands of the last week",
            "the home gave a command of that kind within the last week",
            edge=_WEEK,
        ),
        attrgetter("facts.domain_repeat_age"),
    ),
    Term(
        "repeats",
        "log2 commands",
        "the home's latest commands with the intent, learned or not",
        Sentences(
            "{intent} is among the home's latest commands",
            "{intent} is not among the home's latest commands",
            edge=0.5,
        ),
        attrgetter("facts.repeats"),
    ),
    Term(
        "kinship",
        "0 to 2",
        "whether the home's previous command had the same domain or even the same intent",
        Sentences(
            "the home's previous command was of the same kind",
            "the home's previous command was of another kind",
            edge=0.5,
        ),
        attrgetter("facts.kinship"),
    ),
    Term(
        "device_kinship",
        "0 to 2",
        "whether the device's previous command had the same domain or even the same intent",
        Sentences(
            "the device's previous command was of the same kind",
            "the device's previous command was of another kind",
            edge=0.5,
        ),
        attrgetter("facts.device_kinship"),
    ),
)
