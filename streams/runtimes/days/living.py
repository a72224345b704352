"""A month of one home with an adapter: every command goes through the adapter at its own time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from detector.contracts.decisions import Verdict
from detector.contracts.events import IntentEvent
from streams.runtimes.contract.runtime import Command, Runtime, Turn
from streams.runtimes.days.played import Played
from streams.runtimes.days.resident import Resident

__all__ = ["Spent", "Tally", "live"]

#: Elapsed milliseconds, and milliseconds of CPU.
Spent = tuple[float, float]


@dataclass(slots=True)
class Tally:
    """What happened besides the decisions.

    Attributes:
        guarded: milliseconds of each allowed command, elapsed and of CPU.
        unguarded: the same of these commands without the adapter.
        disobeyed: commands that ran, or did not run, against their decision and answer.
        refused: meant commands whose confirmation was not accepted, or could not be asked for.
    """

    guarded: list[Spent] = field(default_factory=list)
    unguarded: list[Spent] = field(default_factory=list)
    disobeyed: int = 0
    refused: int = 0


def live(
    runtime: Runtime,
    resident: Resident,
    events: Sequence[IntentEvent],
    phantoms: Collection[str],
    tally: Tally,
    *,
    unguarded: Runtime | None = None,
) -> Iterator[Played]:
    """Say every command of a home to a runtime, and yield what it decided on each.

    Residents confirm what they meant, and answer no to a question about a phantom.

    Args:
        runtime: the runtime with its adapter, which asks ``resident``.
        resident: the hook.
        events: the home's commands in order of time.
        phantoms: ids of those that nobody meant.
        tally: counts and durations are added to it.
        unguarded: the same runtime without the adapter.
    """
    for event in events:
        command = Command(
            intent=event.intent, slots=event.slots, device=event.device_id, time=event.time
        )
        resident.meant = meant = event.event_id not in phantoms
        turn, took = _timed(runtime, command)
        made, decision = resident.asked[-1]
        ran = len(turn.ran)
        if turn.asks:
            ran += len(runtime.answer(meant).ran)
        elif not meant:
            resident.complain()
        allowed = decision.verdict is Verdict.ALLOW
        confirmed = meant and decision.verdict is Verdict.CONFIRM
        tally.refused += confirmed and not ran
        tally.disobeyed += ran != allowed and not confirmed
        if allowed:
            tally.guarded.append(took)
            if unguarded is not None:
                tally.unguarded.append(_timed(unguarded, command)[1])
        # The adapter knows one home, and calls it as it likes.
        named = replace(made, household_id=event.household_id)
        yield Played(named, decision.verdict, decision.risk_class, phantom=not meant)


def _timed(runtime: Runtime, command: Command) -> tuple[Turn, Spent]:
    began, used = time.perf_counter(), time.process_time()
    turn = runtime.say(command)
    return turn, (
        1000.0 * (time.perf_counter() - began),
        1000.0 * (time.process_time() - used) + turn.cpu_ms,
    )
