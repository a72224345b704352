"""How a new home experiences the decisions: interruptions and recall by day and by week."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.evaluate import play
from detector.progress import Progress, silent

__all__ = ["Daily", "Period", "Share", "daily"]

_DAY = 86_400.0
#: Single days that are reported. Weeks are reported as far as the stream goes.
_DAYS = (1, 7, 30)
#: After this day, a home counts as known.
_SETTLED = 14


@dataclass(frozen=True, slots=True)
class Share:
    """``interrupted`` of ``commands`` got a verdict other than allow."""

    commands: int
    interrupted: int

    @property
    def share(self) -> float | None:
        """The share of commands that were interrupted; ``None`` without commands."""
        return self.interrupted / self.commands if self.commands else None


@dataclass(frozen=True, slots=True)
class Period:
    """The commands of some days, or of one domain.

    Attributes:
        name: the days, such as ``week 1``, or the domain.
        meant: commands that were meant; a low share is good.
        misfires: commands that were not; a high share is good.
        physical: those of them that act on the physical world.
    """

    name: str
    meant: Share
    misfires: Share
    physical: Share


@dataclass(frozen=True, slots=True)
class Daily:
    """Periods of all households, each counted from its own first event; and domains."""

    periods: tuple[Period, ...]
    domains: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class _Command:
    day: int
    domain: str
    meant: bool
    decision: Decision


def daily(
    events: Sequence[IntentEvent],
    bundle: Bundle,
    misfires: Collection[str],
    *,
    progress: Progress = silent,
) -> Daily:
    """Decide on a stream of homes that are new at their first event, and count interruptions.

    Args:
        events: the stream.
        bundle: the bundle that decides.
        misfires: ids of the events that were not meant.
        progress: called with (stage, done, total).
    """
    begun: dict[str, float] = {}
    commands: list[_Command] = []
    for number, (event, decision) in enumerate(play(events, bundle, misfires)):
        if number % 256 == 0:
            progress("deciding", number, len(events))
        first = begun.setdefault(event.household_id, event.seconds)
        if event.commits:
            day = 1 + int((event.seconds - first) // _DAY)
            meant = event.event_id not in misfires
            commands.append(_Command(day, event.domain, meant, decision))
    progress("deciding", len(events), len(events))
    last = max((command.day for command in commands), default=0)
    spans = [
        *((f"day {day}", day, day) for day in _DAYS),
        *((f"week {1 + day // 7}", day + 1, day + 7) for day in range(0, last, 7)),
        (f"after day {_SETTLED}", _SETTLED + 1, last),
        ("all", 1, last),
    ]
    return Daily(
        tuple(
            _period(name, [each for each in commands if first <= each.day <= until])
            for name, first, until in spans
        ),
        tuple(
            _period(name, [each for each in commands if each.domain == name])
            for name in sorted({each.domain for each in commands})
        ),
    )


def _period(name: str, commands: Sequence[_Command]) -> Period:
    misfires = [each for each in commands if not each.meant]
    return Period(
        name,
        meant=_share([each for each in commands if each.meant]),
        misfires=_share(misfires),
        physical=_share([each for each in misfires if each.decision.risk_class == "physical"]),
    )


def _share(commands: Sequence[_Command]) -> Share:
    interrupted = sum(each.decision.verdict is not Verdict.ALLOW for each in commands)
    return Share(len(commands), interrupted)
