"""The stories: what happens in each, and which verdicts are right. The worker decides."""

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
from streams.local.demo.runtime import DEFAULT_DEADLINE_MS, HookCall, Runtime
from streams.local.stack import Stack

__all__ = ["STORIES", "Stage", "Story", "StoryResult"]

_INTERRUPTED = (Verdict.CONFIRM, Verdict.BLOCK)
_SEND, _CALL, _BUY = "messages.SendMessage", "calls.PlaceCall", "shopping.BuyItem"
#: Confidences of clear speech, of background talk that sounds like a wake word, and of misheard
#: speech.
_CLEAR = {"wake_confidence": 0.95, "asr_confidence": 0.92, "intent_confidence": 0.94}
_BACKGROUND = {"wake_confidence": 0.38, "asr_confidence": 0.55, "intent_confidence": 0.66}
_MISHEARD = {"wake_confidence": 0.93, "asr_confidence": 0.58, "intent_confidence": 0.52}
#: Milliseconds beyond the deadline that this process may need to handle an answer when it is busy.
_GRACE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Stage:
    """What a story needs to run.

    ``day`` is midnight of today, after all histories; ``say`` prints a sentence.
    """

    runtime: Runtime
    stack: Stack
    cast: Cast
    day: datetime
    rng: np.random.Generator
    say: Callable[[str], None]

    def at(self, hour: float) -> datetime:
        """Return the time of an hour (0 to 24) of ``day``."""
        return self.day + timedelta(seconds=round(3600 * hour))


@dataclass(slots=True)
class StoryResult:
    """How a story went: the hook call for its command, whether the command ran, and problems."""

    wanted: tuple[Verdict, ...]
    call: HookCall
    executed: bool
    meant: bool
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        verdict = self.call.decision.verdict
        if verdict not in self.wanted:
            self.problems.append(f"The verdict was {verdict}, not {' or '.join(self.wanted)}.")

    def require(self, holds: bool, problem: str) -> None:
        """Record a problem unless ``holds`` is true."""
        if not holds:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Story:
    """A story: its name, what happens in one sentence, and the function that plays it."""

    name: str
    happens: str
    play: Callable[[Stage], StoryResult]


def _portland(stage: Stage) -> StoryResult:
    """Use a household that hardly ever sends messages, and the contact of the evening story."""
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
    call = stage.runtime.converse(events[:-1])
    result = StoryResult(_INTERRUPTED, call, executed=False, meant=False)
    if call.decision.effective_verdict is not Verdict.ALLOW:
        stage.say("The assistant asks for confirmation, and the background talk says right again.")
        again = stage.runtime.say(events[-1])
        result.require(
            again.decision.effective_verdict is not Verdict.ALLOW,
            f"A spoken right counted as a confirmation: {again.decision.verdict}.",
        )
        result.executed = stage.runtime.carry_out(again, confirmed=False)
    result.executed |= stage.runtime.carry_out(call, confirmed=False)
    result.require(not result.executed, "The message went out.")
    return result


def _every_evening(stage: Stage) -> StoryResult:
    routine = evening_routine(stage.cast.evening)
    if routine is None:
        raise AssertionError("the cast was chosen for this routine")
    spoken_well = dialogue(routine.skill, routine.slots, stage.rng)
    # Without corrections: the contact has to be the routine's.
    turns = [turn for turn in spoken_well if turn.act is not Act.DENY]
    events = spoken(stage.cast.evening.profile, turns, stage.at(routine.hour), stage.rng)
    events = [_with_confidences(event, stage.cast.evening.profile, _CLEAR) for event in events]
    call = stage.runtime.converse(events)
    result = StoryResult(
        (Verdict.ALLOW,), call, stage.runtime.carry_out(call, confirmed=True), meant=True
    )
    result.require(result.executed, "The message did not go out.")
    return result


def _rare_but_meant(stage: Stage) -> StoryResult:
    """Give the same command twice: it needs a confirmation only the first time."""
    member = stage.cast.newcomer
    skill = new_command(member)
    if skill is None:
        raise AssertionError("the cast was chosen for having a new command to try")
    slots = {name: new_token(stage.rng) for name, often in skill.slots.items() if often > 0.5}
    call, ran = _meant(stage, member, skill.intent, slots, stage.at(19.0))
    result = StoryResult((Verdict.ALLOW, Verdict.CONFIRM), call, ran, meant=True)
    result.require(ran, "The command did not run although it was confirmed.")
    stage.say("A little later, the household gives the same command again.")
    again, ran_again = _meant(stage, member, skill.intent, slots, stage.at(19.1))
    result.require(
        again.decision.verdict is Verdict.ALLOW and ran_again,
        f"The command was not allowed the second time: {again.decision.verdict}.",
    )
    return result


def _misheard(stage: Stage) -> StoryResult:
    """Begin a call that is recognised as a purchase from the second turn on."""
    turns = [
        Turn(_CALL, Act.INITIATE, {}, commits=False),
        Turn(_BUY, Act.INFORM, {"item": new_token(stage.rng)}, commits=False),
        Turn(_BUY, Act.AFFIRM, {}, commits=True),
    ]
    events = _heard(stage.cast.caller.profile, turns, stage.at(10.5), stage.rng, _MISHEARD)
    call = stage.runtime.converse(events)
    result = StoryResult(
        _INTERRUPTED, call, stage.runtime.carry_out(call, confirmed=False), meant=False
    )
    result.require(not result.executed, "The item was bought without a confirmation.")
    return result


def _worker_gone(stage: Stage) -> StoryResult:
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
    stage.say("The worker is killed with SIGKILL in the middle of the chain.")
    rest = [stage.runtime.say(event, deadline_ms=DEFAULT_DEADLINE_MS) for event in events[1:]]
    result = StoryResult(
        tuple(Verdict), rest[-1], stage.runtime.carry_out(rest[-1], confirmed=True), meant=True
    )
    stage.say("A new worker starts and catches up.")
    stage.stack.start_worker()
    back, _ = _meant(stage, member, skill.intent, slots, stage.at(21.0))
    result.require(
        before.decision.rung is Rung.WORKER, "The worker did not answer before it was killed."
    )
    for turn in rest:
        result.require(
            turn.decision.rung is not Rung.WORKER and turn.decision.degraded,
            "An answer without a worker is not marked as such.",
        )
        result.require(
            turn.milliseconds <= DEFAULT_DEADLINE_MS + _GRACE_MS,
            f"An answer took {turn.milliseconds:.0f} ms; "
            f"the deadline was {DEFAULT_DEADLINE_MS} ms.",
        )
    result.require(
        back.decision.rung is Rung.WORKER, "The worker did not answer after its restart."
    )
    return result


STORIES: tuple[Story, ...] = (
    Story(
        "Portland",
        "Background talk sounds like the wake word, a message to a contact, and right.",
        _portland,
    ),
    Story(
        "Every evening",
        "A household messages the same contact, as it does each evening.",
        _every_evening,
    ),
    Story(
        "Rare but meant",
        "A household means a command that it gives for the first time.",
        _rare_but_meant,
    ),
    Story(
        "Misheard", "Half-way, a call to the plumber is heard as an order for a plunger.", _misheard
    ),
    Story(
        "The worker is gone",
        "The worker is killed in the middle of a chain that was meant.",
        _worker_gone,
    ),
)


def _meant(
    stage: Stage, member: Member, intent: str, slots: Mapping[str, str], time: datetime
) -> tuple[HookCall, bool]:
    """Speak a command clearly and confirm it if asked; return its call and whether it ran."""
    turns = dialogue(skill_of(intent), slots, stage.rng, polite=0.0)
    events = spoken(member.profile, turns, time, stage.rng)
    call = stage.runtime.converse(
        [_with_confidences(event, member.profile, _CLEAR) for event in events]
    )
    offered = call.decision.confirm
    if offered is not None:
        stage.say(f"{offered.prompt} Confirmed by {offered.methods[0].replace('_', ' ')}.")
    return call, stage.runtime.carry_out(call, confirmed=True)


def _heard(
    profile: Profile,
    turns: list[Turn],
    time: datetime,
    rng: np.random.Generator,
    confidences: Mapping[str, float],
) -> list[IntentEvent]:
    """Return the events that the assistant recognises, with its recognisers' confidences."""
    return [
        _with_confidences(event, profile, confidences)
        for event in spoken(profile, turns, time, rng)
    ]


def _with_confidences(
    event: IntentEvent, profile: Profile, confidences: Mapping[str, float]
) -> IntentEvent:
    """Return an event with those of the confidences that the household's runtime reports."""
    if profile.channels is Channels.NONE:
        return event
    given = (
        confidences
        if profile.channels is Channels.ALL
        else {"asr_confidence": confidences["asr_confidence"]}
    )
    return replace(event, **dict[str, Any](given))
