"""Values on ``misfire.bundles``: which bundle decides, from which offset of each partition on.

A channel's record contains its latest announcements, because the topic keeps only the last record
of a channel and a worker that lags behind needs the earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from detector.contracts.timestamps import Timestamp
from streams.wire.records import Kind

__all__ = [
    "ACTIVE",
    "ANNOUNCEMENT",
    "BUNDLE_CHANNEL",
    "IN_USE",
    "LONGEST_CHANNEL",
    "MAX_ANNOUNCEMENTS",
    "MAX_CHANNEL_BYTES",
    "SHADOW",
    "Announcement",
    "BundleReference",
    "Channel",
    "InUse",
]

#: The channel of the bundle that decides, and the prefix of those that only compare.
ACTIVE, SHADOW = "active", "shadow-"
#: Most characters of a channel's name.
LONGEST_CHANNEL = 64
#: Announcements that a channel's record contains. A record that is decided later than this many
#: promotions after it was sent gets the oldest of them.
MAX_ANNOUNCEMENTS = 16
#: Bytes: 16 announcements of 1,024 partitions, two offsets of twelve digits each.
MAX_CHANNEL_BYTES = 900_000
#: Header of a probe: the number of the announcement that holds from this record on.
ANNOUNCEMENT = "misfire_announcement"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReference:
    """A bundle that every process can read.

    ``location`` is the path of its directory, ``sha256`` that of its manifest, which contains the
    hash of every file. ``signed`` says whether it had a signature when it was announced.
    """

    version: str
    location: str
    sha256: str
    signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One change of a channel.

    Attributes:
        number: counts the channel's announcements from 1.
        bundle: the bundle; ``None`` is the one that each process was started with.
        canary: the share of households that it decides for (``detector/decision/canary.py``).
        who: who announced it.
        why: the reason.
        time: when.
        back_to: the number of the announcement whose bundle a rollback restored; 0 is the bundle
            that each process was started with, ``None`` no rollback.
        forced: the gates that failed and were overridden.
        topic_id: short id of ``assistant.intents``, whose offsets follow.
        floor: by partition, the end offset before the announcement. An earlier mark is not its own.
        since: by partition, the offset of its mark: it holds for all later records. ``None`` until
            every partition has one; a worker then waits for the mark itself.
    """

    number: int
    bundle: BundleReference | None
    canary: float = 1.0
    who: str
    why: str
    time: Timestamp
    back_to: int | None = None
    forced: tuple[str, ...] = ()
    topic_id: str = ""
    floor: tuple[int, ...] = ()
    since: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel and its latest announcements, the last one at the end.

    ``numbered`` is the highest number that an announcement has had, withdrawn ones included.
    """

    channel: str
    announcements: tuple[Announcement, ...]
    numbered: int = 0

    @property
    def latest(self) -> Announcement | None:
        """The last announcement."""
        return self.announcements[-1] if self.announcements else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """A worker's answer to a probe: what it decides with in the partition of the probe.

    Attributes:
        worker: host name and process id.
        announcement: the number that holds at the probe; 0 before the first one.
        bundle: version of the bundle of households outside a canary.
        canary: version of the canary's bundle, if there is one.
        loaded: numbers of the announcements whose bundle it can decide with.
        refused: by number of an announcement, why its bundle cannot be used.
    """

    worker: str
    announcement: int
    bundle: str
    canary: str | None = None
    loaded: tuple[int, ...] = ()
    refused: dict[str, str]


BUNDLE_CHANNEL: Kind[Channel] = Kind("misfire.bundle-channel.v1", Channel, MAX_CHANNEL_BYTES)
IN_USE: Kind[InUse] = Kind("misfire.bundle-in-use.v1", InUse)
