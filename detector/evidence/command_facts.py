"""What a household's memory of its commands says about one more: the numbers behind the terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import compress
from math import log2, sqrt
from typing import NamedTuple

from detector.contracts.events import IntentEvent, action_of, domain_of
from detector.household.command_counts import (
    HOME,
    Command,
    after,
    after_at_device,
    at_device,
    device_name,
    hours_of,
    latest_at,
    predicted,
    predictive,
)
from detector.household.state import HouseholdState
from detector.population.base_rates import PARTS_OF_DAY, Population, part_of_day

__all__ = ["CommandFacts", "command_facts"]

_MISSING = float("nan")
#: The age of a use that never happened, in seconds: about four months.
_NEVER = 1e7
_AGE_OF_NEVER = log2(1.0 + _NEVER)
#: Strength of the prior of an intent's hours, in uses; a use has weight 4 (``command_counts``).
_HOURS_STRENGTH, _USE = 8.0, 4.0


class CommandFacts(NamedTuple):
    """Facts about one command among those of its home.

    Bits are surprisals of the command's intent, or of its domain, in a context; higher is rarer.
    Ages are log2(1 + seconds). A value without the fact that it needs is NaN.

    Attributes:
        home_bits: in the home.
        device_bits: at the device.
        after_bits: after the home's previous command.
        device_after_bits: after the device's previous command.
        home_domain_bits: of the domain, in the home.
        device_domain_bits: of the domain, at the device.
        action_bits: of the action, in any domain of the home.
        hour_bits: of the part of the day for the intent, beyond that for any command of the home.
        own_hour_bits: of the part of the day for the intent.
        uses: log2(1 + uses) of the intent in the home.
        device_uses: log2(1 + uses) of the intent at the device.
        known: log2(1 + commands) that the home is known by.
        device_known: log2(1 + commands) that the device is known by.
        age: since the intent was last used in the home.
        device_age: since the intent was last used at the device.
        domain_age: since the domain was last used in the home.
        repeats: log2(1 + accepted commands of the intent among the latest, learned or not).
        repeat_age: since the latest of them.
        device_repeat_age: since the latest of them at the device.
        domain_repeat_age: since the latest accepted command of the domain.
        kinship: the home's previous command: 2 the same intent, 1 the same domain, 0 another one.
        device_kinship: the same for the device's previous command.
    """

    home_bits: float
    device_bits: float
    after_bits: float
    device_after_bits: float
    home_domain_bits: float
    device_domain_bits: float
    action_bits: float
    hour_bits: float
    own_hour_bits: float
    uses: float
    device_uses: float
    known: float
    device_known: float
    age: float
    device_age: float
    domain_age: float
    repeats: float
    repeat_age: float
    device_repeat_age: float
    domain_repeat_age: float
    kinship: float
    device_kinship: float


def command_facts(
    event: IntentEvent,
    household: HouseholdState,
    population: Population,
    *,
    at: float,
    device_seconds: float,
) -> CommandFacts:
    """Return the facts about a committing event, from what the household knew before it.

    Args:
        event: the committing event.
        household: the household before it.
        population: the rates that a household without counts has.
        at: the event's log time in seconds.
        device_seconds: its local time by the device's clock.
    """
    commands, intent, domain = household.commands, event.intent, event.domain
    device, latest = device_name(event.device_id), commands.latest
    previous = latest[-1] if latest else None
    here = latest_at(latest, device)
    counts = commands.counts
    in_home, at_this = counts.get(HOME, {}), counts.get(at_device(device), {})
    known, device_known = sum(in_home.values()), sum(at_this.values())
    uses, device_uses = in_home.get(intent, 0), at_this.get(intent, 0)
    home = predicted(uses, len(in_home), known, population.command_rate(intent))
    local = predicted(device_uses, len(at_this), device_known, home)
    followed = predictive(counts.get(after(previous.intent)), intent, local) if previous else local
    local_next = (
        predictive(counts.get(after_at_device(here.intent)), intent, local) if here else local
    )
    home_domain = _grouped(in_home, known, domain_of, domain, population.domain_rate(domain))
    local_domain = _grouped(at_this, device_known, domain_of, domain, home_domain)
    used, of_domain = commands.last_used, f"{domain}."
    own_hour_bits, usual_hour = _hours(counts, event, population, part_of_day(device_seconds))
    in_domain = [seconds for key, seconds in used.items() if key.startswith(of_domain)]
    similar = [each for each in latest if each.accepted and each.intent.startswith(of_domain)]
    same = [each for each in similar if each.intent == intent]
    same_here = latest_at(same, device)
    return CommandFacts(
        home_bits=-log2(home),
        device_bits=-log2(local),
        after_bits=-log2(followed),
        device_after_bits=-log2(local_next),
        home_domain_bits=-log2(home_domain),
        device_domain_bits=-log2(local_domain),
        action_bits=-log2(_grouped(in_home, known, action_of, action_of(intent), home)),
        hour_bits=own_hour_bits + log2(usual_hour),
        own_hour_bits=own_hour_bits,
        uses=log2(1 + uses),
        device_uses=log2(1 + device_uses),
        known=log2(1 + known),
        device_known=log2(1 + device_known),
        age=_age(used.get(intent), at),
        device_age=_age(used.get(f"{device} {intent}"), at),
        domain_age=_age(max(in_domain, default=None), at),
        repeats=log2(1 + len(same)),
        repeat_age=_age(same[-1].seconds if same else None, at),
        device_repeat_age=_age(same_here.seconds if same_here else None, at),
        domain_repeat_age=_age(similar[-1].seconds if similar else None, at),
        kinship=_kinship(previous, event),
        device_kinship=_kinship(here, event),
    )


def _grouped(
    counts: Mapping[str, int], total: int, group_of: Callable[[str], str], group: str, base: float
) -> float:
    """Return the predictive probability of a group of intents, as ``predictive`` of an intent.

    ``total`` is the sum of the counts.
    """
    if not counts:
        return base
    groups = list(map(group_of, counts))
    uses = sum(compress(counts.values(), map(group.__eq__, groups)))
    return predicted(uses, len(set(groups)), total, base)


def _age(last: float | None, at: float) -> float:
    """Return log2(1 + seconds between ``last`` and ``at``); a scan also knows later uses."""
    return _AGE_OF_NEVER if last is None else log2(1.0 + min(abs(at - last), _NEVER))


def _kinship(before: Command | None, event: IntentEvent) -> float:
    if before is None:
        return _MISSING
    return float((domain_of(before.intent) == event.domain) + (before.intent == event.intent))


def _hours(
    counts: Mapping[str, Mapping[str, int]], event: IntentEvent, population: Population, part: int
) -> tuple[float, float]:
    """Return the bits of the part of the day for the intent, and its share for any command."""
    home, own = counts.get(hours_of(HOME), {}), counts.get(hours_of(event.intent), {})
    usual = _smoothed(home, part, 1.0 / PARTS_OF_DAY)
    prior = sqrt(population.day_rate(event.intent, part) * usual)
    return -log2(_smoothed(own, part, prior)), usual


def _smoothed(hours: Mapping[str, int], part: int, base: float) -> float:
    uses, total = hours.get(str(part), 0) / _USE, sum(hours.values()) / _USE
    strength = _HOURS_STRENGTH / _USE
    return (uses + strength * base) / (total + strength)
