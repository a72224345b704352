"""What the index says about one household: its week, its usual chains, and what it was taught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from detector.contracts.decisions import Verdict
from detector.evaluation.scan import Hour
from streams.desk.evidence import Event, events_of
from streams.desk.rows import Turn

__all__ = ["Summary", "UsualChain", "summarize"]

#: Usual chains, and things that it was taught, that a page lists.
_CHAINS, _LESSONS = 10, 12


@dataclass(frozen=True, slots=True)
class UsualChain:
    """The intents of a conversation in order, how often it took place, and was interrupted."""

    intents: tuple[str, ...]
    times: int
    interrupted: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What the index says about a household.

    Attributes:
        commands: number of commands.
        interrupted: number of commands that were not allowed.
        week: (7, 24) the commands by weekday and hour, in the household's own time.
        chains: the most frequent conversations with a command.
        lessons: what was reported about commands, the latest first, each with its turn.
    """

    commands: int
    interrupted: int
    week: tuple[tuple[Hour, ...], ...]
    chains: tuple[UsualChain, ...]
    lessons: tuple[tuple[Turn, Event], ...]


def summarize(turns: Sequence[Turn]) -> Summary:
    """Summarize the latest turns of a household.

    Args:
        turns: the turns, in order of time.
    """
    week = tuple(tuple(Hour() for _ in range(24)) for _ in range(7))
    commands = [turn for turn in turns if turn.commits]
    for turn in commands:
        if turn.local is not None:
            hour = week[turn.local.weekday()][turn.local.hour]
            hour.commands += 1
            hour.interrupted += _is_interrupted(turn)
    lessons = [(turn, event) for turn in turns for event in events_of(turn.notes)]
    lessons.sort(key=lambda lesson: lesson[1].time, reverse=True)
    return Summary(
        commands=len(commands),
        interrupted=sum(map(_is_interrupted, commands)),
        week=week,
        chains=_usual_chains(turns),
        lessons=tuple(lessons[:_LESSONS]),
    )


def _usual_chains(turns: Sequence[Turn]) -> tuple[UsualChain, ...]:
    sessions: dict[str, list[Turn]] = {}
    for turn in turns:
        sessions.setdefault(turn.row.decision.session_id, []).append(turn)
    times, interrupted = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for session in sessions.values():
        if any(turn.commits for turn in session):
            intents = tuple(name for name, _ in groupby(t.row.decision.intent for t in session))
            times[intents] += 1
            interrupted[intents] += any(map(_is_interrupted, session))
    return tuple(
        UsualChain(intents, number, interrupted[intents])
        for intents, number in times.most_common(_CHAINS)
    )


def _is_interrupted(turn: Turn) -> bool:
    return turn.row.decision.verdict is not Verdict.ALLOW
