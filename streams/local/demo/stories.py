"""The stories. Each says what happens and what would be right; what is decided, the worker decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from detector.contracts.decisions import Rung, Verdict
from detector.contracts.events import Act, IntentEvent
from detector.simulation.households import Channels, Profile, dialogue, new_token, skill_of, spoken
from detector.simulation.misfires import Turn
from streams.local.demo.cast import Cast, Member, evening_routine, new_command
from streams.local.demo.runtime import DEFAULT_DEADLINE_MS, Asked, Runtime
from streams.local.stack import Stack

__all__ = ["STORIES", "Stage", "Story", "Told"]

_INTERRUPTED = (Verdict.CONFIRM, Verdict.BLOCK)
_SEND, _CALL, _BUY = "messages.SendMessage", "calls.PlaceCall", "shopping.BuyItem"
#: Confidences: what somebody who speaks clearly gets, and what background talk gets that happens to sound like a wake word.
_CLEAR = {"wake_confidence": 0.95, "asr_confidence": 0.92, "intent_confidence": 0.94}
_BACKGROUND = {"wake_confidence": 0.38, "asr_confidence": 0.55, "intent_confidence": 0.66}
_MISHEARD = {"wake_confidence": 0.93, "asr_confidence": 0.58, "intent_confidence": 0.52}
#: On top of the deadline: what the story's own process needs to take an answer in, on a busy machine, in milliseconds.
_TAKING_IN_MS = 1_000


@dataclass(frozen=True, slots=True)
class Stage:
    """What the stories play on. ``day`` is midnight of today, after everybody's history; ``say`` shows a sentence."""

    runtime: Runtime
    stack: Stack
    cast: Cast
    day: datetime
    rng: np.random.Generator
    say: Callable[[str], None]

    def at(self, hour: float) -> datetime:
        """Return the time of an hour (0 to 24) of the stories' day."""
        return self.day + timedelta(seconds=round(3600 * hour))


@dataclass(slots=True)
class Told:
    """How a story went: its command, whether it ran, and what was not as it should be, a sentence each."""

    wanted: tuple[Verdict, ...]
    asked: Asked
    executed: bool
    meant: bool
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        verdict = self.asked.decision.verdict
        if verdict not in self.wanted:
            self.problems.append(f"The verdict was {verdict}, not {' or '.join(self.wanted)}.")

    def require(self, holds: bool, problem: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Story:
    """A name, what happens in one sentence, and the play."""

    name: str
    happens: str
    play: Callable[[Stage], Told]


def _portland(stage: Stage) -> Told:
    """The household is one that hardly ever sends messages; the contact is the one of the evening story."""
    routine = evening_routine(stage.cast.evening)
    contact = routine.slots["contact"] if routine else new_token(stage.rng)
    right = Turn(_SEND, Act.AFFIRM, {}, commits=True)
    turns = [
        Turn(_SEND, Act.INITIATE, {}, commits=False),
        Turn(_SEND, Act.INFORM, {"contact": contact}, commits=False),
        right,
        right,
    ]
    events = _heard(
        stage.cast.quiet.profile,
        turns,
        stage.at(routine.hour if routine else 20.0),
        stage.rng,
        _BACKGROUND,
    )
    asked = stage.runtime.converse(events[:-1])
    told = Told(_INTERRUPTED, asked, executed=False, meant=False)
    if asked.decision.effective_verdict is not Verdict.ALLOW:
        stage.say("Asked back, the background says right once more.")
        again = stage.runtime.say(events[-1])
        told.require(
            again.decision.effective_verdict is not Verdict.ALLOW,
            f"A spoken right counted as a confirmation: {again.decision.verdict}.",
        )
        told.executed = stage.runtime.carry_out(again, confirmed=False)
    told.executed |= stage.runtime.carry_out(asked, confirmed=False)
    told.require(not told.executed, "The message went out.")
    return told


def _every_evening(stage: Stage) -> Told:
    routine = evening_routine(stage.cast.evening)
    if routine is None:
        raise AssertionError("the cast was chosen for this routine")
    spoken_well = dialogue(routine.skill, routine.slots, stage.rng)
    # Nobody corrects themselves here: it has to be that same contact.
    turns = [turn for turn in spoken_well if turn.act is not Act.DENY]
    events = spoken(stage.cast.evening.profile, turns, stage.at(routine.hour), stage.rng)
    events = [_with_confidences(event, stage.cast.evening.profile, _CLEAR) for event in events]
    asked = stage.runtime.converse(events)
    told = Told((Verdict.ALLOW,), asked, stage.runtime.carry_out(asked, confirmed=True), meant=True)
    told.require(told.executed, "The message did not go out.")
    return told


def _rare_but_meant(stage: Stage) -> Told:
    """The same command twice, a little apart: what was confirmed once is not asked about again."""
    member = stage.cast.newcomer
    skill = new_command(member)
    if skill is None:
        raise AssertionError("the cast was chosen for having something new to try")
    slots = {name: new_token(stage.rng) for name, often in skill.slots.items() if often > 0.5}
    asked, ran = _meant(stage, member, skill.intent, slots, stage.at(19.0))
    told = Told((Verdict.ALLOW, Verdict.CONFIRM), asked, ran, meant=True)
    told.require(ran, "It did not run, although it was confirmed.")
    stage.say("A little later, the same again.")
    again, ran_again = _meant(stage, member, skill.intent, slots, stage.at(19.1))
    told.require(
        again.decision.verdict is Verdict.ALLOW and ran_again,
        f"The next time there was a question again: {again.decision.verdict}.",
    )
    return told


def _misheard(stage: Stage) -> Told:
    """It begins as a call, and from the second turn on it is heard as a purchase."""
    turns = [
        Turn(_CALL, Act.INITIATE, {}, commits=False),
        Turn(_BUY, Act.INFORM, {"item": new_token(stage.rng)}, commits=False),
        Turn(_BUY, Act.AFFIRM, {}, commits=True),
    ]
    events = _heard(stage.cast.caller.profile, turns, stage.at(10.5), stage.rng, _MISHEARD)
    asked = stage.runtime.converse(events)
    told = Told(_INTERRUPTED, asked, stage.runtime.carry_out(asked, confirmed=False), meant=False)
    told.require(not told.executed, "It was bought unasked.")
    return told


def _worker_gone(stage: Stage) -> Told:
    member = stage.cast.steady
    habit = next(
        event
        for event in reversed(member.events)
        if event.commits and event.act is not Act.INITIATE
    )
    skill = skill_of(habit.intent)
    slots = member.profile.slots(skill, stage.rng)
    events = spoken(
        member.profile, dialogue(skill, slots, stage.rng, polite=0.0), stage.at(20.0), stage.rng
    )
    before = stage.runtime.say(events[0])
    stage.stack.kill_worker()
    stage.say("The worker is killed with signal 9, in the middle of the chain.")
    rest = [stage.runtime.say(event, deadline_ms=DEFAULT_DEADLINE_MS) for event in events[1:]]
    told = Told(
        tuple(Verdict), rest[-1], stage.runtime.carry_out(rest[-1], confirmed=True), meant=True
    )
    stage.say("A new worker starts and catches up.")
    stage.stack.start_worker()
    back, _ = _meant(stage, member, skill.intent, slots, stage.at(21.0))
    told.require(
        before.decision.rung is Rung.WORKER, "The worker did not answer before it was killed."
    )
    for turn in rest:
        told.require(
            turn.decision.rung is not Rung.WORKER and turn.decision.degraded,
            "An answer without a worker is not marked as such.",
        )
        told.require(
            turn.milliseconds <= DEFAULT_DEADLINE_MS + _TAKING_IN_MS,
            f"An answer took {turn.milliseconds:.0f} ms; the deadline was {DEFAULT_DEADLINE_MS} ms.",
        )
    told.require(back.decision.rung is Rung.WORKER, "The worker did not answer after it came back.")
    return told


STORIES: tuple[Story, ...] = (
    Story(
        "Portland",
        "Background talk sounds like the wake word, like a message to a contact, and like right.",
        _portland,
    ),
    Story(
        "Every evening",
        "A household messages that same contact, as it does each evening.",
        _every_evening,
    ),
    Story(
        "Rare but meant",
        "A household does something for the first time, and means it.",
        _rare_but_meant,
    ),
    Story(
        "Misheard", "A call to the plumber is heard as an order for a plunger, half-way.", _misheard
    ),
    Story(
        "The worker is gone",
        "The worker dies in the middle of a chain that was meant.",
        _worker_gone,
    ),
)


def _meant(
    stage: Stage, member: Member, intent: str, slots: Mapping[str, str], time: datetime
) -> tuple[Asked, bool]:
    """Somebody says it well, and confirms when asked."""
    turns = dialogue(skill_of(intent), slots, stage.rng, polite=0.0)
    events = spoken(member.profile, turns, time, stage.rng)
    asked = stage.runtime.converse(
        [_with_confidences(event, member.profile, _CLEAR) for event in events]
    )
    offered = asked.decision.confirm
    if offered is not None:
        stage.say(
            f"{offered.prompt} Asked by {offered.methods[0].replace('_', ' ')}; the answer is yes."
        )
    return asked, stage.runtime.carry_out(asked, confirmed=True)


def _heard(
    profile: Profile,
    turns: list[Turn],
    time: datetime,
    rng: np.random.Generator,
    confidences: Mapping[str, float],
) -> list[IntentEvent]:
    """What the assistant believes to have heard, with what its recognisers say about it."""
    return [
        _with_confidences(event, profile, confidences)
        for event in spoken(profile, turns, time, rng)
    ]


def _with_confidences(
    event: IntentEvent, profile: Profile, confidences: Mapping[str, float]
) -> IntentEvent:
    """Give an event these confidences, those of them that the household's runtime reports."""
    if profile.channels is Channels.NONE:
        return event
    given = (
        confidences
        if profile.channels is Channels.ALL
        else {"asr_confidence": confidences["asr_confidence"]}
    )
    return replace(event, **dict[str, Any](given))
