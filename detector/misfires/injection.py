"""Putting misfires into a household's real sessions: their place, pace, ids and confidences."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from detector.errors import InvalidValue
from detector.events import IntentEvent
from detector.misfires.kinds import ALL_KINDS, KINDS, Kind, Situation
from detector.misfires.library import ChainLibrary, Turn, committed_chains

__all__ = ["LabelledSession", "inject"]

#: Where a misfire goes: into the session at a random turn, before its first turn, or into a session of its own.
_PLACES, _PLACE_SHARES = ("inside", "before", "apart"), (0.5, 0.3, 0.2)
#: Beta parameters of a confidence by (channel, somebody spoke to the assistant). Meant turns have about Beta(14, 1.5); the
#: distributions overlap, because a recogniser is often sure and wrong.
_CONFIDENCE = {
    ("wake_confidence", False): (4.0, 3.0),
    ("wake_confidence", True): (12.0, 1.5),
    ("asr_confidence", False): (5.0, 2.5),
    ("asr_confidence", True): (5.0, 2.5),
    ("intent_confidence", False): (6.0, 2.5),
    ("intent_confidence", True): (5.0, 2.5),
}


@dataclass(frozen=True, slots=True)
class LabelledSession:
    """A session and, turn by turn, the kind of misfire and the misfire's id; ``None`` is a turn that was meant."""

    events: tuple[IntentEvent, ...]
    labels: tuple[str | None, ...]
    chain_ids: tuple[str | None, ...]


def inject(
    sessions: Sequence[Sequence[IntentEvent]],
    library: ChainLibrary,
    rng: np.random.Generator,
    *,
    kinds: Sequence[str] = ALL_KINDS,
    rate: float = 0.5,
    warm: float = 0.0,
) -> list[LabelledSession]:
    """Put misfires into one household's sessions.

    Args:
        sessions: the household's sessions in order.
        library: the material, best from other households.
        rng: decides everything that is random.
        kinds: names of the kinds to draw from.
        rate: the share of sessions that get a misfire.
        warm: the share of the household's history that stays clean.

    Raises:
        InvalidValue: a kind is not known.
    """
    chosen = _named(kinds)
    labelled: list[LabelledSession] = []
    own: list[tuple[Turn, ...]] = []
    for number, session in enumerate(sessions):
        if session and library.commands and number >= warm * len(sessions) and rng.random() < rate:
            kind = chosen[int(rng.integers(len(chosen)))]
            turns = kind.turns(Situation(session[0].household_id, own, library, rng))
            name = hashlib.blake2b(
                f"{session[0].event_id}:{rng.integers(2**62)}".encode(), digest_size=8
            ).hexdigest()
            misfire = _Misfire(name, kind, turns, tuple(library.gap(rng) for _ in turns))
            since = session[0].time - labelled[-1].events[-1].time if labelled else None
            labelled += _put(session, misfire, rng, since)
        else:
            labelled.append(_labelled(session))
        own += committed_chains(session)
    return labelled


def _named(kinds: Sequence[str]) -> list[Kind]:
    unknown = sorted(set(kinds) - set(ALL_KINDS))
    if unknown or not kinds:
        raise InvalidValue(
            f"{', '.join(unknown) or 'nothing'} is not a kind of misfire; known are {', '.join(ALL_KINDS)}"
        )
    return [kind for kind in KINDS if kind.name in kinds]


def _put(
    session: Sequence[IntentEvent], misfire: _Misfire, rng: np.random.Generator, since: timedelta | None
) -> list[LabelledSession]:
    """Return the session with the misfire in it, or the misfire as a session of its own before it.

    ``since`` is how long ago the household's last session ended when this one began; ``None`` at the first.
    """
    place = str(rng.choice(_PLACES, p=_PLACE_SHARES))
    lasts = misfire.lasts
    if place == "apart" and since is not None and since > 2 * lasts:
        begin = session[0].time - since / 2
        return [_labelled(misfire.heard(session[0], begin, misfire.name, rng), misfire), _labelled(session)]
    at = int(rng.integers(len(session))) if place == "inside" else 0
    before, after = session[:at], [replace(event, time=event.time + lasts) for event in session[at:]]
    heard = misfire.heard(session[at], session[at].time, session[at].session_id, rng)
    parts = (_labelled(before), _labelled(heard, misfire), _labelled(after))
    return [
        LabelledSession(
            events=tuple(event for part in parts for event in part.events),
            labels=tuple(label for part in parts for label in part.labels),
            chain_ids=tuple(name for part in parts for name in part.chain_ids),
        )
    ]


def _labelled(events: Sequence[IntentEvent], misfire: _Misfire | None = None) -> LabelledSession:
    label, name = (misfire.kind.name, misfire.name) if misfire else (None, None)
    return LabelledSession(tuple(events), (label,) * len(events), (name,) * len(events))


@dataclass(frozen=True, slots=True)
class _Misfire:
    """A misfire before it has a place: its turns and the pause after each, in seconds."""

    name: str
    kind: Kind
    turns: tuple[Turn, ...]
    gaps: tuple[float, ...]

    @property
    def lasts(self) -> timedelta:
        return timedelta(seconds=sum(self.gaps))

    def heard(
        self, beside: IntentEvent, begin: datetime, session_id: str, rng: np.random.Generator
    ) -> list[IntentEvent]:
        """The turns as events from ``begin`` on, on the device of ``beside``."""
        starts = np.cumsum((0.0, *self.gaps[:-1]))
        return [
            IntentEvent(
                event_id=f"{self.name}-{number}",
                time=begin + timedelta(seconds=float(start)),
                household_id=beside.household_id,
                device_id=beside.device_id,
                session_id=session_id,
                intent=turn.intent,
                act=turn.act,
                commits=turn.commits,
                slots=turn.slots,
                intent_confidence=self._confidence("intent_confidence", beside.intent_confidence, rng),
                asr_confidence=self._confidence("asr_confidence", beside.asr_confidence, rng),
                wake_confidence=self._confidence("wake_confidence", beside.wake_confidence, rng),
                runtime=beside.runtime,
            )
            for number, (turn, start) in enumerate(zip(self.turns, starts, strict=True))
        ]

    def _confidence(self, channel: str, beside: float | None, rng: np.random.Generator) -> float | None:
        """Missing where the runtime gives none, otherwise drawn from the channel's distribution."""
        if beside is None:
            return None
        return round(float(rng.beta(*_CONFIDENCE[channel, self.kind.spoken])), 3)
