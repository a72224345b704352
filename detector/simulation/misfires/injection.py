"""Injecting misfires into a household's real sessions: place, pace, ids and confidences."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from detector.contracts.events import IntentEvent
from detector.simulation.misfires.chain_library import ChainLibrary, Turn, committed_chains
from detector.simulation.misfires.confusions import SLURP
from detector.simulation.misfires.mixture import Mixture
from detector.simulation.misfires.own_values import OwnValues
from detector.simulation.misfires.situation import Kind, Place, Situation

__all__ = ["LabelledSession", "inject"]

#: Draws of a kind before the session stays clean. Some kinds cannot happen in some sessions.
_DRAWS = 8
#: Places of a misfire that can happen anywhere, with their shares: inside the session at a random
#: turn, before its first turn, or in a session of its own.
_PLACES, _PLACE_SHARES = ("inside", "before", "apart"), (0.5, 0.3, 0.2)
#: The shares where a session is one command. Background talk that is heard as one command does not
#: wait for a resident to give another.
_ALONE_SHARES = (0.35, 0.25, 0.4)
#: Beta parameters of the confidence of a meant turn.
_CLEAR = (14.0, 1.5)
#: Beta parameters of a misfire's confidence at the usual severity, by (channel, whether someone
#: spoke to the assistant). They overlap with those of meant turns, because recognisers are often
#: confident and wrong. For speech to the assistant, the mean ASR confidence is the share of right
#: words in SLURP.
_UNCLEAR = {
    ("wake_confidence", False): (4.0, 3.0),
    ("wake_confidence", True): (12.0, 1.5),
    ("asr_confidence", False): (5.0, 2.5),
    ("asr_confidence", True): (7.5 * SLURP.words_shared, 7.5 * (1.0 - SLURP.words_shared)),
    ("intent_confidence", False): (6.0, 2.5),
    ("intent_confidence", True): (5.0, 2.5),
}


@dataclass(frozen=True, slots=True)
class LabelledSession:
    """A session with labels for each turn: kind and id of the misfire, or ``None`` if meant."""

    events: tuple[IntentEvent, ...]
    labels: tuple[str | None, ...]
    chain_ids: tuple[str | None, ...]

    @classmethod
    def meant(cls, events: Sequence[IntentEvent]) -> LabelledSession:
        """Return a session without a misfire."""
        nothing = (None,) * len(events)
        return cls(tuple(events), nothing, nothing)

    def part(self, begin: int, end: int) -> LabelledSession:
        """Return the turns from ``begin`` to before ``end``."""
        return LabelledSession(
            self.events[begin:end], self.labels[begin:end], self.chain_ids[begin:end]
        )


def inject(
    sessions: Sequence[Sequence[IntentEvent]],
    library: ChainLibrary,
    rng: np.random.Generator,
    *,
    mixture: Mixture = Mixture(),
    rate: float = 0.5,
    warm: float = 0.0,
    early_rate: float = 0.0,
) -> list[LabelledSession]:
    """Inject misfires into one household's sessions.

    Args:
        sessions: the household's sessions in order.
        library: the source of turns, ideally from other households.
        rng: source of randomness.
        mixture: the kinds of misfire, their shares and severity.
        rate: share of sessions that get a misfire. A session gets none if the drawn kinds cannot
            happen in it.
        warm: share of the household's history that gets misfires at ``early_rate`` instead.
        early_rate: share of the sessions of that part that get a misfire.
    """
    labelled: list[LabelledSession] = []
    own: list[tuple[Turn, ...]] = []
    values = OwnValues()
    for number, session in enumerate(sessions):
        likely = early_rate if number < warm * len(sessions) else rate
        if session and library.commands and rng.random() < likely:
            since = session[0].time - labelled[-1].events[-1].time if labelled else None
            labelled += _with_one(session, own, values, library, rng, mixture=mixture, since=since)
        else:
            labelled.append(LabelledSession.meant(session))
        own += committed_chains(session)
        for event in session:
            values.add(event.intent, event.slots)
    return labelled


def _with_one(
    session: Sequence[IntentEvent],
    own: Sequence[tuple[Turn, ...]],
    values: OwnValues,
    library: ChainLibrary,
    rng: np.random.Generator,
    *,
    mixture: Mixture,
    since: timedelta | None,
) -> list[LabelledSession]:
    """Return the session with a misfire in it or before it, or unchanged if none can happen."""
    one_shot = all(event.commits for event in session)
    for _ in range(_DRAWS):
        kind = mixture.draw(rng, one_shot=one_shot)
        at = _place(kind.place, session, rng)
        before = committed_chains(session[: at or 0])
        replaced = Turn.of(session[at or 0]) if kind.place is Place.INSTEAD else None
        turns = kind.turns(
            Situation(
                session[0].household_id, own, before, replaced, library, rng, mixture.severity
            )
        )
        if turns:
            break
    else:
        return [LabelledSession.meant(session)]
    if kind.foreign:
        turns = tuple(values.localised(turn, rng) if turn.is_one_shot else turn for turn in turns)
    about = f"{session[0].event_id}:{rng.integers(2**62)}"
    name = hashlib.blake2b(about.encode(), digest_size=8).hexdigest()
    misfire = _Misfire(name, kind, turns, tuple(library.gap(rng) for _ in turns), mixture.severity)
    return _put(session, misfire, at, rng, since)


def _place(place: Place, session: Sequence[IntentEvent], rng: np.random.Generator) -> int | None:
    """Draw the turn before which the misfire begins; ``None`` means a session of its own."""
    after = [number for number, event in enumerate(session, 1) if event.commits]
    if place is Place.AFTER_COMMAND:
        return after[int(rng.integers(len(after)))] if after else 0
    if place is Place.AMONG_TURNS:
        return int(rng.integers(1, max(len(session), 2)))
    if place is Place.INSTEAD:
        return int(rng.integers(len(session)))
    shares = _ALONE_SHARES if len(session) == 1 and session[0].commits else _PLACE_SHARES
    where = str(rng.choice(_PLACES, p=shares))
    return {"inside": int(rng.integers(len(session))), "before": 0, "apart": None}[where]


def _put(
    session: Sequence[IntentEvent],
    misfire: _Misfire,
    at: int | None,
    rng: np.random.Generator,
    since: timedelta | None,
) -> list[LabelledSession]:
    """Return the session with the misfire, or the misfire as a session of its own before it.

    ``since`` is the time between the household's previous session and this one; ``None`` for the
    first session.
    """
    count = len(misfire.turns)
    if at is None and since is not None and since > 2 * misfire.lasts:
        # It needs no command around it, so any time of the silence is as likely.
        ago = misfire.lasts + float(rng.random()) * (since - 2 * misfire.lasts)
        begin = replace(session[0], time=session[0].time - ago, session_id=misfire.name)
        apart = _interleaved([begin], misfire, [0] * count, rng)
        return [apart.part(0, count), LabelledSession.meant(session)]
    if misfire.kind.place is Place.INSTEAD:
        return [_replaced(session, misfire, at or 0, rng)]
    if misfire.kind.place is Place.AMONG_TURNS:
        places = sorted(int(place) for place in rng.integers(at or 0, len(session) + 1, size=count))
    else:
        places = [at or 0] * count
    return [_interleaved(session, misfire, places, rng)]


def _replaced(
    session: Sequence[IntentEvent], misfire: _Misfire, at: int, rng: np.random.Generator
) -> LabelledSession:
    """Put a misfire of one turn in the place of an event."""
    meant = LabelledSession.meant(session)
    heard = misfire.heard(0, session[at], session[at].time, rng)
    before, after = meant.part(0, at), meant.part(at + 1, len(session))
    return LabelledSession(
        (*before.events, heard, *after.events),
        (*before.labels, misfire.kind.name, *after.labels),
        (*before.chain_ids, misfire.name, *after.chain_ids),
    )


def _interleaved(
    session: Sequence[IntentEvent],
    misfire: _Misfire,
    places: Sequence[int],
    rng: np.random.Generator,
) -> LabelledSession:
    """Insert each turn of a misfire before the event at its place, or after the last event.

    Its pauses delay all later events.
    """
    late, woven = timedelta(), list[tuple[IntentEvent, bool]]()
    end = session[-1].time + timedelta(seconds=misfire.gaps[0])
    for at in range(len(session) + 1):
        begin = session[at].time if at < len(session) else end
        beside = session[min(at, len(session) - 1)]
        for number in (number for number, place in enumerate(places) if place == at):
            woven.append((misfire.heard(number, beside, begin + late, rng), True))
            late += timedelta(seconds=misfire.gaps[number])
        if at < len(session):
            woven.append((replace(beside, time=begin + late), False))
    return LabelledSession(
        events=tuple(event for event, _ in woven),
        labels=tuple(misfire.kind.name if phantom else None for _, phantom in woven),
        chain_ids=tuple(misfire.name if phantom else None for _, phantom in woven),
    )


@dataclass(frozen=True, slots=True)
class _Misfire:
    """A misfire before it has a place: its turns, and the pause after each in seconds."""

    name: str
    kind: Kind
    turns: tuple[Turn, ...]
    gaps: tuple[float, ...]
    severity: float

    @property
    def lasts(self) -> timedelta:
        return timedelta(seconds=sum(self.gaps))

    def heard(
        self, number: int, beside: IntentEvent, time: datetime, rng: np.random.Generator
    ) -> IntentEvent:
        """Return one turn as an event at ``time``, with the session and device of ``beside``."""
        turn = self.turns[number]
        return IntentEvent(
            event_id=f"{self.name}-{number}",
            time=time,
            household_id=beside.household_id,
            device_id=beside.device_id,
            session_id=beside.session_id,
            intent=turn.intent,
            act=turn.act,
            commits=turn.commits,
            slots=turn.slots,
            intent_confidence=self._confidence("intent_confidence", beside.intent_confidence, rng),
            asr_confidence=self._confidence("asr_confidence", beside.asr_confidence, rng),
            wake_confidence=self._confidence("wake_confidence", beside.wake_confidence, rng),
            runtime=beside.runtime,
        )

    def _confidence(
        self, channel: str, beside: float | None, rng: np.random.Generator
    ) -> float | None:
        """Draw a confidence, or return ``None`` if the runtime does not report the channel."""
        if beside is None:
            return None
        spoken = self.kind.spoken
        if channel == "asr_confidence" and spoken and rng.random() < SLURP.words_right:
            shape = _CLEAR
        else:
            shape = _shape(_UNCLEAR[channel, spoken], self.severity)
        return round(float(rng.beta(*shape)), 3)


def _shape(unclear: tuple[float, float], severity: float) -> tuple[float, float]:
    """Return Beta parameters for a severity.

    Severity 0 gives those of a meant turn, and 0.5 gives ``unclear``. The rest is interpolated and
    extrapolated on a logarithmic scale.
    """
    a, b = (
        clear ** (1.0 - 2.0 * severity) * usual ** (2.0 * severity)
        for clear, usual in zip(_CLEAR, unclear, strict=True)
    )
    return a, b
