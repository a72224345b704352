"""Fair shares of bounded resources: no tenant or household can take the last of one.

The limit of each holder depends on what is free, as the thresholds of a switch's shared buffer do
(Choudhury and Hahne 1998): a single holder gets its share of the whole, and less while others have
theirs. So there is always room for a new holder, without a list of holders.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["HOUSEHOLD_SHARE", "TENANT_SHARE", "FairCache", "Places"]

#: The share of all places that one tenant may have if there is no other tenant.
TENANT_SHARE = 0.8
#: The share of all places, or of a cache, that one household may have.
HOUSEHOLD_SHARE = 0.25
#: Places that a household may always have while one is free: a home has a handful of devices.
_LEAST = 8

V = TypeVar("V")


class Places:
    """A number of places, and how many of them each tenant and household has.

    An empty tenant or household is unknown and has no limit of its own.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0
        self._tenants: Counter[str] = Counter()
        self._households: Counter[str] = Counter()

    def admits(self, tenant: str, household: str, most: float = 1.0) -> bool:
        """Return whether a place is free, within ``most`` of all places and within both shares."""
        most *= TENANT_SHARE if tenant else 1.0
        return self._within(most, self._tenants[tenant] if tenant else self.taken) and (
            self.has_few(household) or self._within(HOUSEHOLD_SHARE, self._households[household])
        )

    def has_few(self, household: str) -> bool:
        """Return whether a household has so few places that its share does not apply."""
        return not household or self._households[household] < _LEAST

    def take(self, tenant: str, household: str) -> None:
        """Take a place."""
        self.taken += 1
        self._tenants[tenant] += 1
        self._households[household] += 1

    def leave(self, tenant: str, household: str) -> None:
        """Release a place."""
        self.taken -= 1
        for counts, name in ((self._tenants, tenant), (self._households, household)):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]

    def _within(self, most: float, mine: int) -> bool:
        free = self.places - self.taken
        return free > 0 and mine < most * (mine + free)


@dataclass(slots=True)
class _Household(Generic[V]):
    tenant: str
    entries: OrderedDict[str, V] = field(default_factory=OrderedDict)


class FairCache(Generic[V]):
    """A bounded cache of entries by household and name; a busy tenant evicts only its own entries.

    A household has at most its share. If the cache is full, the tenant with the most entries loses
    the oldest entry of its least recently written household.

    Args:
        most: how many entries are stored.
        of_household: how many of them one household may have.
    """

    def __init__(self, most: int, of_household: int | None = None) -> None:
        self._most = most
        self._of_household = of_household or max(1, int(most * HOUSEHOLD_SHARE))
        self._households: dict[str, _Household[V]] = {}
        self._tenants: dict[str, OrderedDict[str, None]] = {}
        self._sizes: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._sizes.total()

    def __iter__(self) -> Iterator[V]:
        for home in self._households.values():
            yield from home.entries.values()

    def get(self, household: str, name: str) -> V | None:
        """Return an entry, or ``None``."""
        home = self._households.get(household)
        return None if home is None else home.entries.get(name)

    def put(self, tenant: str, household: str, name: str, entry: V) -> None:
        """Store an entry, and evict others if there is no room."""
        home = self._households.get(household)
        if home is None:
            home = self._households[household] = _Household(tenant)
        self._tenants.setdefault(home.tenant, OrderedDict())[household] = None
        self._tenants[home.tenant].move_to_end(household)
        if name not in home.entries:
            self._sizes[home.tenant] += 1
        home.entries[name] = entry
        if len(home.entries) > self._of_household:
            self.pop(household, next(iter(home.entries)))
        if len(self) > self._most:
            largest = max(self._sizes, key=self._sizes.__getitem__)
            oldest = next(iter(self._tenants[largest]))
            self.pop(oldest, next(iter(self._households[oldest].entries)))

    def pop(self, household: str, name: str) -> V | None:
        """Remove and return an entry, or return ``None``."""
        home = self._households.get(household)
        if home is None or name not in home.entries:
            return None
        entry = home.entries.pop(name)
        self._sizes[home.tenant] -= 1
        if not home.entries:
            self._drop(household, home)
        return entry

    def forget(self, household: str) -> None:
        """Forget all entries of a household."""
        home = self._households.get(household)
        if home is not None:
            self._sizes[home.tenant] -= len(home.entries)
            self._drop(household, home)

    def clear(self) -> None:
        """Forget everything."""
        self._households.clear()
        self._tenants.clear()
        self._sizes.clear()

    def _drop(self, household: str, home: _Household[V]) -> None:
        del self._households[household], self._tenants[home.tenant][household]
        if not self._tenants[home.tenant]:
            del self._tenants[home.tenant], self._sizes[home.tenant]
