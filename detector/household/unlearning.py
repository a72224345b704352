"""Subtracts from a household's habits what is left of one command that it learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detector.contracts.events import domain_of
from detector.household.command_counts import Commands, hours_around, hours_contexts
from detector.household.decayed_uses import DECAY, FORGOTTEN
from detector.household.fast_replace import changed
from detector.household.state import HouseholdState, Labelled, PastCommand, Usage
from detector.population.base_rates import part_of_week

__all__ = ["unlearned"]


def unlearned(state: HouseholdState, label: Labelled) -> HouseholdState:
    """Return the household without the command of a *misfire* label, which it learned from."""
    command = label.command
    together = [*_others(state, command, same_lesson=True)]
    intents, domains, hours = state.intents, state.domains, state.hours
    if all(each.intent != command.intent for each in together):
        intents = _without_use(intents, command.intent, command.lesson)
    domain = domain_of(command.intent)
    if all(domain_of(each.intent) != domain for each in together):
        domains = _without_use(domains, domain, command.lesson)
    if hours and not together:
        part, weight = (
            part_of_week(command.seconds + command.ahead),
            DECAY ** (state.learned - command.lesson),
        )
        left = round(max(hours[part] - weight, 0.0), 3)
        hours = (*hours[:part], left, *hours[part + 1 :])
    return changed(
        state,
        intents=intents,
        domains=domains,
        hours=hours,
        tokens=tuple(each for each in state.tokens if each not in label.tokens),
        commands=_without_command(state, command),
    )


def _others(
    state: HouseholdState, command: PastCommand, *, same_lesson: bool = False
) -> Iterator[PastCommand]:
    """Yield the other learned commands that the household remembers and no label calls misfires."""
    misfires = {each.command.event for each in state.labels if each.misfire}
    for past in state.past:
        alike = past.lesson == command.lesson if same_lesson else past.lesson > 0
        if alike and past.event not in misfires:
            yield past


def _without_use(usages: Mapping[str, Usage], key: str, lesson: int) -> dict[str, Usage]:
    """Subtract one use in a lesson; remove the key if nothing is left of the others."""
    usage = usages.get(key)
    if usage is None:
        return dict(usages)
    left = round(usage.count - DECAY ** max(usage.session - lesson, 0), 2)
    if left < FORGOTTEN:
        return {name: each for name, each in usages.items() if name != key}
    return {**usages, key: Usage(count=left, session=usage.session)}


def _without_command(state: HouseholdState, command: PastCommand) -> Commands:
    counts = dict(state.commands.counts)
    for context in command.contexts:
        _subtract(counts, context, {command.intent: 1})
    around = hours_around(command.seconds + command.ahead)
    for context in hours_contexts(command.intent):
        _subtract(counts, context, around)
    return Commands(
        latest=state.commands.latest, counts=counts, last_used=_last_used(state, command)
    )


def _subtract(counts: dict[str, dict[str, int]], context: str, uses: Mapping[str, int]) -> None:
    left = {
        key: count - uses.get(key, 0)
        for key, count in counts.get(context, {}).items()
        if count > uses.get(key, 0)
    }
    if left:
        counts[context] = left
    else:
        counts.pop(context, None)


def _last_used(state: HouseholdState, command: PastCommand) -> dict[str, float]:
    """Return the last uses; where it was this command, the use before, as far as it is known."""
    last_used = dict(state.commands.last_used)
    others = [each for each in _others(state, command) if each.intent == command.intent]
    for key, alike in (
        (command.intent, others),
        (
            f"{command.device} {command.intent}",
            [each for each in others if each.device == command.device],
        ),
    ):
        if last_used.get(key) == round(command.seconds):
            before = max((round(each.seconds) for each in alike), default=None)
            if before is None:
                del last_used[key]
            else:
                last_used[key] = before
    return last_used
