"""Counts of a household's commands by context, and its latest commands.

A context is what a command is predicted from: the home as a whole, the device, the command before.
The count of a context is a small history of its own: when its total reaches ``MOST``, all its
counts are halved, so that old habits fade (the rescaling of adaptive arithmetic coding; Moffat,
Neal & Witten 1998, ACM Trans. Inf. Syst. 16). Contexts form a hierarchy in which a predictive backs
off to the next wider context (Teh 2006, "A hierarchical Bayesian language model", eq. 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import TypeVar

from detector.contracts.events import IntentEvent
from detector.population.base_rates import PARTS_OF_DAY, part_of_day

__all__ = [
    "DISCOUNT",
    "HOME",
    "MAX_CHARACTERS",
    "MAX_COMMANDS",
    "MAX_CONTEXTS",
    "MAX_USES",
    "STRENGTH",
    "Command",
    "Commands",
    "after",
    "after_at_device",
    "at_device",
    "contexts_of",
    "device_name",
    "hours_around",
    "hours_contexts",
    "hours_of",
    "latest_at",
    "predicted",
    "predictive",
    "with_acceptance",
    "with_command",
    "with_meant",
]

#: The context of all commands of the home.
HOME = ""
#: Latest commands kept. A busy home gives 40 commands a day.
MAX_COMMANDS = 32
#: Contexts kept, the latest used; a home with five devices and thirty intents has about a hundred.
MAX_CONTEXTS = 256
#: Characters kept of contexts and their keys, the latest used. The busiest home in the data, with
#: 20 commands a day of 28 intents, has 17,000.
MAX_CHARACTERS = 65_536
#: Last uses kept, the latest.
MAX_USES = 256
#: The total at which the counts of a context are halved, so a context has fewer keys than this.
MOST = 128
#: Pitman-Yor discount and strength (Pitman & Yor 1997); Teh 2006 uses similar values for words.
DISCOUNT, STRENGTH = 0.3, 1.0

Counts = Mapping[str, int]
#: By part of the day: what ``hours_around`` returns.
_AROUND: tuple[Counts, ...] = tuple(
    {str(part): 2} | {str((part + step) % PARTS_OF_DAY): 1 for step in (-1, 1)}
    for part in range(PARTS_OF_DAY)
)
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: its intent, the digest of its device, and the log's time in seconds.

    ``accepted`` is false if the command was held back, denied or undone. Repeating such a command
    must not make it look familiar.
    """

    intent: str
    device: str
    seconds: float
    accepted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What a household knows about its commands.

    Attributes:
        latest: the latest commands, whether meant or not, the last one last.
        counts: context -> intent (or part of the day) -> count of meant commands.
        last_used: intent, or device and intent, -> log time of the last meant command.
    """

    latest: tuple[Command, ...] = ()
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    last_used: dict[str, float] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def device_name(device_id: str) -> str:
    """Return the digest under which the household remembers a device."""
    return hashlib.blake2b(device_id.encode(), digest_size=3).hexdigest()


def at_device(device: str) -> str:
    """Return the context of a device's commands."""
    return f"@{device}"


def after(intent: str) -> str:
    """Return the context of the commands that follow a command of the home."""
    return f">{intent}"


def after_at_device(intent: str) -> str:
    """Return the context of the commands that follow a command of the same device."""
    return f"@>{intent}"


def hours_of(intent: str) -> str:
    """Return the context whose keys are the parts of the day of an intent's commands."""
    return f"#{intent}"


def hours_contexts(intent: str) -> tuple[str, str]:
    """Return the contexts in which the hour of a command is counted."""
    return hours_of(HOME), hours_of(intent)


def hours_around(device_seconds: float) -> Counts:
    """Return what a command at a local time counts by part of the day.

    Habits do not keep to the minute, so a use also counts half in the parts beside its own.
    """
    return _AROUND[part_of_day(device_seconds)]


def latest_at(commands: Sequence[Command], device: str) -> Command | None:
    """Return the latest command of a device, or ``None``."""
    for each in reversed(commands):
        if each.device == device:
            return each
    return None


def contexts_of(event: IntentEvent, commands: Sequence[Command]) -> tuple[str, ...]:
    """Return the contexts in which a command of the event would be counted.

    Args:
        event: the committing event.
        commands: the latest commands before it.
    """
    device = device_name(event.device_id)
    here = latest_at(commands, device)
    return (
        HOME,
        at_device(device),
        *([after(commands[-1].intent)] if commands else []),
        *([after_at_device(here.intent)] if here else []),
    )


def predictive(counts: Counts | None, key: str, base: float) -> float:
    """Return the Pitman-Yor predictive probability of ``key`` in a context.

    Args:
        counts: the context's counts, or ``None`` for a context without any.
        key: the intent.
        base: the probability of ``key`` in the next wider context, in (0, 1].
    """
    if not counts:
        return base
    return predicted(counts.get(key, 0), len(counts), sum(counts.values()), base)


def predicted(uses: int, kinds: int, total: int, base: float) -> float:
    """Return ``predictive`` for a key with ``uses`` among ``kinds`` of keys with ``total`` uses."""
    own = max(uses - DISCOUNT, 0.0)
    return (own + (STRENGTH + DISCOUNT * kinds) * base) / (total + STRENGTH)


def with_command(known: Commands, event: IntentEvent, at: float, *, accepted: bool) -> Commands:
    """Return the household's commands after one more."""
    device = device_name(event.device_id)
    command = Command(intent=event.intent, device=device, seconds=at, accepted=accepted)
    latest = (*known.latest, command)[-MAX_COMMANDS:]
    return Commands(latest=latest, counts=known.counts, last_used=known.last_used)


def with_acceptance(known: Commands, intent: str, at: float, *, accepted: bool) -> Commands:
    """Return the household's commands after the outcome of the one with this intent and time."""
    latest = tuple(
        replace(each, accepted=accepted) if (each.intent, each.seconds) == (intent, at) else each
        for each in known.latest
    )
    return Commands(latest=latest, counts=known.counts, last_used=known.last_used)


def with_meant(
    known: Commands,
    intent: str,
    contexts: Iterable[str],
    device: str,
    *,
    device_seconds: float,
    at: float,
) -> Commands:
    """Return the household's commands after learning that one was meant.

    Args:
        known: the commands before.
        intent: its intent.
        contexts: the contexts that ``contexts_of`` gave when the command was given.
        device: the digest of its device.
        device_seconds: its local time by the device's clock, which dates the household's habits.
        at: its log time.
    """
    counts, use, grown = dict(known.counts), ((intent, 1),), False
    for context in contexts:
        grown |= _add(counts, context, use)
    around = hours_around(device_seconds).items()
    for context in hours_contexts(intent):
        grown |= _add(counts, context, around)
    last_used = dict(known.last_used)
    for key in (intent, f"{device} {intent}"):
        # The latest used is last, so that the first can be removed.
        last_used.pop(key, None)
        last_used[key] = round(at)
    return Commands(
        latest=known.latest,
        counts=_within_bounds(counts) if grown else counts,
        last_used=_latest(last_used, MAX_USES),
    )


def _add(counts: dict[str, dict[str, int]], context: str, uses: Iterable[tuple[str, int]]) -> bool:
    """Add uses of keys to a context; return whether the context or a key is new."""
    before = counts.pop(context, {})
    found = before.copy()
    for key, count in uses:
        found[key] = found.pop(key, 0) + count
    grown = len(found) > len(before)
    if sum(found.values()) >= MOST:
        found = {key: count // 2 for key, count in found.items() if count > 1}
    counts[context] = found
    return grown


def _within_bounds(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return the contexts that were used last, as many as the bounds allow."""
    if len(counts) <= MAX_CONTEXTS:
        # Joining takes a third of the time of adding up the lengths.
        keys = "".join(chain.from_iterable(counts.values()))
        if len("".join(counts)) + len(keys) <= MAX_CHARACTERS:
            return counts
    room, kept = MAX_CHARACTERS, 0
    for context, found in reversed(counts.items()):
        room -= len(context) + sum(map(len, found))
        if room < 0:
            break
        kept += 1
    return _latest(counts, min(kept, MAX_CONTEXTS))


def _latest(values: dict[str, V], most: int) -> dict[str, V]:
    """Return the ``most`` values that were added last."""
    if len(values) <= most:
        return values
    return {key: values[key] for key in list(values)[-most:]}
