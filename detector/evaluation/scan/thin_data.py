"""Warnings about what a log is too small for, or the bundle too ignorant of, as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detector.evaluation.scan.tally import Tally
from detector.household.state import HouseholdState
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS

__all__ = ["thin_data"]

#: Among fewer commands, less than one is in the most suspicious 1 %.
_FEW_COMMANDS = 100
#: Fewer days do not contain each day of the week twice.
_FEW_DAYS = 14
#: Sessions that a household needs before it is no longer new, applied to commands of a class.
_FEW_OF_CLASS = NEW_HOUSEHOLD_SESSIONS


def thin_data(tally: Tally, households: Sequence[HouseholdState]) -> tuple[str, ...]:
    """Return what a reader should know before trusting the result; empty if there is nothing."""
    if not tally.commands:
        return ("The log contains no commands: no event has commits set to true.",)
    return (
        *_of_the_log(tally),
        *_of_households(households),
        *_of_classes(tally),
        *_of_the_bundle(tally),
    )


def _of_the_log(tally: Tally) -> Iterator[str]:
    if tally.commands < _FEW_COMMANDS:
        yield (
            f"The log has only {_counted(tally.commands, 'command')}. The list always names the "
            "most unusual ones, even if all were meant."
        )
    if len(tally.days) < _FEW_DAYS:
        yield (
            f"The log has commands on only {_counted(len(tally.days), 'day')}. "
            f"What is usual at an hour of the week takes about {_FEW_DAYS} days to learn."
        )


def _of_households(households: Sequence[HouseholdState]) -> Iterator[str]:
    new = sum(each.learned < NEW_HOUSEHOLD_SESSIONS for each in households)
    if new:
        among = f"{new} of {len(households)} households have" if households[1:] else "There are"
        yield (
            f"{among} fewer than {NEW_HOUSEHOLD_SESSIONS} sessions to learn from. Until then, a "
            "command is compared with all households rather than with its own."
        )


def _of_classes(tally: Tally) -> Iterator[str]:
    for risk, found in sorted(tally.classes.items()):
        if found.commands < _FEW_OF_CLASS <= tally.commands:
            yield (
                f"The log has only {_counted(found.commands, f'{risk} command')}. "
                "So few do not show which of them are usual here."
            )


def _of_the_bundle(tally: Tally) -> Iterator[str]:
    abstained = sum(found.abstained for found in tally.classes.values())
    if abstained:
        yield (
            f"The judge had no basis for a verdict on {_counted(abstained, 'command')}, so the "
            "policy's fallback decided: the bundle does not know the intent, or has too few "
            "commands of its risk class to calibrate on."
        )
    if tally.unknown.commands:
        yield (
            f"The bundle does not know the intents of {_counted(tally.unknown.commands, 'command')}"
            f": {', '.join(tally.unknown.intents)}. Only the household's own log shows how usual "
            "they are."
        )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
