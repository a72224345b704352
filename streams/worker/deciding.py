"""Which bundle decides each record of this worker, and in whose terms a household's state is.

The decision itself is in ``streams/lifecycle/schedule.py``. A mark that belongs to an unfinished
announcement is not committed, so that the next owner of the partition reads it again.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence

from detector.decision.bundle import Bundle
from streams.lifecycle.library import Library
from streams.lifecycle.schedule import chosen, deciders, holding, is_mark_of
from streams.telemetry import metrics
from streams.telemetry.recording import show_bundle
from streams.wire.announcements import ACTIVE, Announcement, Channel, InUse
from streams.wire.state.marks import UNKNOWN
from streams.wire.state.packing import Stored
from streams.worker.handling import carried

__all__ = ["Deciding"]

logger = logging.getLogger(__name__)


class Deciding:
    """The bundles that decide.

    Args:
        library: the bundles; its own one decides until another is announced.
        topic_id: short id of ``assistant.intents``.
        on_swap: called with each bundle the first time that it decides.
    """

    def __init__(
        self,
        library: Library,
        topic_id: str = UNKNOWN,
        on_swap: Callable[[Bundle], None] = lambda _: None,
    ) -> None:
        if library.own is None:
            raise ValueError("a worker starts with a bundle")
        self.own: Bundle = library.own
        self.library = library
        self._topic_id = topic_id
        self._on_swap = on_swap
        self._announcements: Sequence[Announcement] = ()
        self._marks: dict[tuple[int, int], int] = {}
        self._used = {self.own.version}

    def update(self, channels: Mapping[str, Channel]) -> None:
        """Take the announcements of the active channel."""
        found = channels.get(ACTIVE)
        self._announcements = found.announcements if found else ()

    def prepare(self) -> None:
        """Read the bundles of the latest announcements; call this in a thread."""
        for each in self._announcements[-2:]:
            self.library.get(each)

    def knows(self, number: int) -> bool:
        """Return whether an announcement, or a later one, is known."""
        return any(each.number >= number for each in self._announcements)

    def mark(self, number: int, partition: int, offset: int) -> bool:
        """Apply an announcement's mark; return whether the mark is valid and the first one."""
        for each in self._announcements:
            if each.number == number and is_mark_of(each, partition, offset):
                first = self._marks.setdefault((number, partition), offset)
                return first == offset
        return False

    def at(self, partition: int, offset: int, household_id: str) -> Bundle:
        """Return the bundle that decides for a household at a record of ``assistant.intents``."""
        if not self._announcements:
            return self.own
        found = chosen(self._held(partition, offset), household_id, self._usable)
        bundle = self.own if found is None else self.library.get(found) or self.own
        if bundle.version not in self._used:
            self._used.add(bundle.version)
            self._on_swap(bundle)
        return bundle

    def of(self, stored: Stored) -> Bundle:
        """Return the bundle that last decided for a household, or the worker's own."""
        return self._named(stored.bundle) or self.own

    def carried(self, stored: Stored, bundle: Bundle) -> Stored:
        """Return a household in the terms of the bundle that decides next."""
        if stored.bundle == bundle.version:
            return stored
        # States of earlier versions do not name their bundle; it was the worker's own.
        before = self._named(stored.bundle) if stored.bundle else self.own
        if before is None and stored.state.sessions:
            metrics.STATES_REBUILT.labels("forgotten").inc()
        elif before is not bundle and stored.state.sessions:
            metrics.STATES_REBUILT.labels("carried").inc()
        return carried(stored, before, bundle)

    def uncommitted(self, partition: int) -> int | None:
        """Return the first mark of an unfinished announcement: a commit must not go beyond it."""
        waiting = {each.number for each in self._announcements if each.since is None}
        found = [
            offset
            for (number, place), offset in self._marks.items()
            if place == partition and number in waiting
        ]
        return min(found, default=None)

    def forget_marks(self) -> None:
        """Forget the marks that were read: partitions may move, and are read again from there."""
        self._marks.clear()

    def in_use(self, partition: int, offset: int) -> InUse:
        """Return what decides in a partition, for the answer to a probe."""
        used = deciders(self._held(partition, offset), self._usable)
        everyone = next((each for each in used if each.canary >= 1.0), None)
        canary = next((each for each in used if each.canary < 1.0), None)
        refused = {
            str(each.number): why
            for each in self._announcements
            if (why := self.library.why_refused(each)) is not None
        }
        return InUse(
            worker=f"{socket.gethostname()} {os.getpid()}",
            announcement=used[0].number if used else 0,
            bundle=self._version(everyone),
            canary=None if canary is None else self._version(canary),
            loaded=tuple(each.number for each in self._announcements if self._is_loaded(each)),
            refused=refused,
        )

    def report(self, positions: Mapping[int, int]) -> None:
        """Export the bundles that decide, and whether an announced one cannot be used.

        ``positions`` has the next offset of each partition of this worker.
        """
        now: set[str] = set()
        for place in positions.items():
            used = deciders(self._held(*place), self._usable)
            now |= {self._version(each) for each in used}
            if not any(each.canary >= 1.0 for each in used):
                now.add(self.own.version)
        now = now or {self.own.version}
        for version in self._used | now:
            bundle = self.library.of(version)
            if bundle is not None:
                show_bundle(bundle, self.library.created(bundle), decides=version in now)
        self._used |= now
        latest = self._announcements[-1:]
        metrics.BUNDLE_REFUSED.set(any(self.library.why_refused(each) for each in latest))
        metrics.BUNDLE_UNFINISHED.set(any(each.since is None for each in latest))

    def _held(self, partition: int, offset: int) -> list[Announcement]:
        return holding(
            self._announcements, partition, offset, topic_id=self._topic_id, marks=self._marks
        )

    def _usable(self, each: Announcement) -> bool:
        return self.library.get(each) is not None

    def _is_loaded(self, each: Announcement) -> bool:
        return each.bundle is None or self.library.of(each.bundle.version) is not None

    def _version(self, each: Announcement | None) -> str:
        return self.own.version if each is None or each.bundle is None else each.bundle.version

    def _named(self, version: str) -> Bundle | None:
        """Return a bundle by its version, reading an announced one if necessary."""
        found = self.library.of(version)
        if found is not None:
            return found
        named = (each for each in self._announcements if each.bundle is not None)
        for each in named:
            if each.bundle is not None and each.bundle.version == version:
                return self.library.get(each)
        return None
