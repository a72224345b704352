"""Chooses the stories' households by their behaviour, outside of what the bundle was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType

from detector.contracts.events import Act, IntentEvent
from detector.simulation.households import (
    CATALOGUE,
    Channels,
    Profile,
    Routine,
    Shape,
    Skill,
    simulate,
)

__all__ = ["Cast", "Member", "evening_routine", "find_cast", "new_command"]

#: The hours of an evening.
_EVENING = (17.0, 22.5)


@dataclass(frozen=True, slots=True)
class Member:
    """One household of the stories and its history, all of it meant."""

    profile: Profile
    events: Sequence[IntentEvent]

    def commands(self, intent: str) -> int:
        """Return how many commands of an intent the history contains."""
        return sum(event.intent == intent and event.commits for event in self.events)


@dataclass(frozen=True, slots=True)
class Cast:
    """The households of the stories, one for each."""

    quiet: Member
    evening: Member
    newcomer: Member
    caller: Member
    steady: Member

    @property
    def members(self) -> tuple[Member, ...]:
        """All households."""
        return (self.quiet, self.evening, self.newcomer, self.caller, self.steady)


def evening_routine(member: Member) -> Routine | None:
    """Return the household's routine of sending a message in the evening, if it keeps one."""
    for routine in member.profile.routines:
        kept = member.commands("messages.SendMessage") > len(_days(member)) / 2
        if (
            routine.skill.intent == "messages.SendMessage"
            and _EVENING[0] <= routine.hour <= _EVENING[1]
            and kept
        ):
            return routine
    return None


def new_command(member: Member) -> Skill | None:
    """Return a command of several turns in a domain that the household has never used, if any."""
    known = {event.domain for event in member.events}
    shapes = (Shape.CONFIRMED, Shape.AFTER_SEARCH)
    new = [skill for skill in CATALOGUE if skill.shape in shapes and skill.domain not in known]
    return new[len(member.events) % len(new)] if new else None


#: What each role requires of its household, the rarest requirement first.
_ROLES: Mapping[str, Callable[[Member], bool]] = MappingProxyType(
    {
        "evening": lambda member: evening_routine(member) is not None,
        # Its device reports wake-word confidences, and it hardly ever sends a message.
        "quiet": lambda member: (
            member.profile.channels is Channels.ALL and member.commands("messages.SendMessage") <= 1
        ),
        # It places calls and has never bought anything.
        "caller": lambda member: (
            member.commands("calls.PlaceCall") >= 3 and member.commands("shopping.BuyItem") == 0
        ),
        "newcomer": lambda member: new_command(member) is not None,
        # It gives commands that take more than one turn.
        "steady": lambda member: any(
            event.commits and event.act is not Act.INITIATE for event in member.events
        ),
    }
)


def find_cast(*, seed: int, days: int, first: int) -> Cast:
    """Simulate households of the population, from number ``first``, until every role has one."""
    found: dict[str, Member] = {}
    for number in count(first):
        simulation = simulate(1, days, seed=seed, first=number)
        member = Member(next(iter(simulation.profiles.values())), simulation.events)
        role = next(
            (role for role, fits in _ROLES.items() if role not in found and fits(member)), None
        )
        if role is not None:
            found[role] = member
        if len(found) == len(_ROLES):
            break
    return Cast(**found)


def _days(member: Member) -> set[object]:
    return {event.time.date() for event in member.events}
