"""How a new home experiences the decisions: interruptions and recall by day and by week."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.playing import play
from detector.progress import Progress, silent

__all__ = ["DAY_SECONDS", "Daily", "Judged", "Period", "Share", "daily", "summed"]

DAY_SECONDS = 86_400.0
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
        days: the number of days; ``None`` for a domain.
    """

    name: str
    meant: Share
    misfires: Share
    physical: Share
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Daily:
    """Periods of all households, each counted from its own first event; and domains."""

    periods: tuple[Period, ...]
    domains: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision on a command.

    Attributes:
        day: the day of its home, from 1 on.
        domain: the domain of its intent.
        meant: whether it was meant.
        physical: whether it acts on the physical world.
        interrupted: whether its verdict is not to allow it.
    """

    day: int
    domain: str
    meant: bool
    physical: bool
    interrupted: bool


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
    judged: list[Judged] = []
    for number, (event, decision) in enumerate(play(events, bundle, misfires)):
        if number % 256 == 0:
            progress("deciding", number, len(events))
        first = begun.setdefault(event.household_id, event.seconds)
        if event.commits:
            judged.append(
                Judged(
                    day=1 + int((event.seconds - first) // DAY_SECONDS),
                    domain=event.domain,
                    meant=event.event_id not in misfires,
                    physical=decision.risk_class is RiskClass.PHYSICAL,
                    interrupted=decision.verdict is not Verdict.ALLOW,
                )
            )
    progress("deciding", len(events), len(events))
    return summed(judged)


def summed(judged: Sequence[Judged], days: Iterable[int] = _DAYS) -> Daily:
    """Count interruptions by single days, weeks and domains.

    Args:
        judged: the decisions.
        days: the single days to report.
    """
    last = max((each.day for each in judged), default=0)
    spans = [
        *((f"day {day}", day, day) for day in days),
        *((f"week {1 + day // 7}", day + 1, day + 7) for day in range(0, last, 7)),
        (f"after day {_SETTLED}", _SETTLED + 1, last),
        ("all", 1, last),
    ]
    return Daily(
        tuple(
            _period(
                name,
                [each for each in judged if first <= each.day <= until],
                max(min(until, last) - first + 1, 0),
            )
            for name, first, until in spans
        ),
        tuple(
            _period(name, [each for each in judged if each.domain == name])
            for name in sorted({each.domain for each in judged})
        ),
    )


def _period(name: str, judged: Sequence[Judged], days: int | None = None) -> Period:
    misfires = [each for each in judged if not each.meant]
    return Period(
        name,
        meant=_share([each for each in judged if each.meant]),
        misfires=_share(misfires),
        physical=_share([each for each in misfires if each.physical]),
        days=days,
    )


def _share(judged: Sequence[Judged]) -> Share:
    return Share(len(judged), sum(each.interrupted for each in judged))
