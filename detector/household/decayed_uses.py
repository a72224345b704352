"""Counts of uses that decay with each session that a household learns from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import islice

from detector.household.fast_rounding import round_each
from detector.household.state import Usage
from detector.population.base_rates import PARTS_OF_WEEK, part_of_week

__all__ = [
    "DECAY",
    "FORGOTTEN",
    "add_use_at",
    "add_uses",
    "aged_hours",
    "hours_at",
    "strength",
    "strengths",
    "total_strength",
]

#: Decay of a count per learned session. A use counts half after 34 sessions, about a week in a busy
#: home.
DECAY = 0.98
#: A decayed count below this is removed. A single use reaches it after 228 learned sessions.
FORGOTTEN = 0.01
#: A use is not forgotten before this many learned sessions, since it counts at least one at first.
_SURELY_KEPT = math.floor(math.log(FORGOTTEN) / math.log(DECAY))


#: By age, in learned sessions: what is left of a use. A table takes half of the time of a power.
_LEFT = tuple([DECAY**age for age in range(512)])
_AGES = len(_LEFT)


def strength(usage: Usage | None, session: int) -> float:
    """Return the count decayed to learned session number ``session``; 0.0 if there is none."""
    return 0.0 if usage is None else usage.count * DECAY ** max(session - usage.session, 0)


def strengths(usages: Iterable[Usage], session: int) -> list[float]:
    """Return the ``strength`` of each use, in half of the time."""
    return [
        usage.count * (_LEFT[age] if 0 <= age < _AGES else DECAY ** max(age, 0))
        for usage in usages
        for age in (session - usage.session,)
    ]


def total_strength(
    usages: Iterable[Usage], session: int, *, discount: float
) -> tuple[float, float]:
    """Return the sum of all strengths, and the sum of what each has beyond ``discount``."""
    total = beyond = 0.0
    for usage in usages:
        count, age = usage.count, session - usage.session
        if age > 0:
            count *= _LEFT[age] if age < _AGES else DECAY**age
        total += count
        if count > discount:
            beyond += count - discount
    return total, beyond


def add_uses(
    usages: dict[str, Usage], keys: Iterable[str], session: int, limit: int
) -> dict[str, Usage]:
    """Count one more use of each key; keep the ``limit`` latest that are not ``FORGOTTEN``.

    ``usages`` and the result are ordered by latest use, the latest first, then by key.
    """
    latest = {
        key: Usage(count=round(strength(usages.get(key), session) + 1.0, 2), session=session)
        for key in sorted(keys)
    }
    oldest = next(reversed(usages.values()), None)
    if oldest is None or session - oldest.session < _SURELY_KEPT:
        # Each use is recent. The second ``latest`` restores the values, the first gives the order.
        latest = {**latest, **usages, **latest}
    else:
        for key, usage in usages.items():
            recent = session - usage.session < _SURELY_KEPT
            if key not in latest and (recent or strength(usage, session) >= FORGOTTEN):
                latest[key] = usage
    return latest if len(latest) <= limit else dict(islice(latest.items(), limit))


def aged_hours(hours: tuple[float, ...], part: int) -> tuple[float, ...]:
    """Return the counts by part of the week after one more session in ``part``."""
    after = [DECAY * count for count in hours or (0.0,) * PARTS_OF_WEEK]
    after[part] += 1.0
    return tuple(round_each(after, 3))


def add_use_at(usages: Mapping[str, Usage], key: str, session: int, limit: int) -> dict[str, Usage]:
    """Count one use of a key at an earlier learned session; keep the ``limit`` latest."""
    before = usages.get(key)
    latest = max(session, before.session if before else session)
    count = strength(before, latest) + DECAY ** (latest - session)
    after = {**usages, key: Usage(count=round(count, 2), session=latest)}
    return dict(sorted(after.items(), key=lambda each: (-each[1].session, each[0]))[:limit])


def hours_at(
    hours: tuple[float, ...], device_seconds: float, *, sessions_ago: int
) -> tuple[float, ...]:
    """Return the counts by part of the week with one more session, some sessions ago."""
    after = [*(hours or (0.0,) * PARTS_OF_WEEK)]
    part = part_of_week(device_seconds)
    after[part] = round(after[part] + DECAY**sessions_ago, 3)
    return tuple(after)
