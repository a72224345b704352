"""A month of one home with an adapter: every command goes through the adapter at its own time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from detector.contracts.decisions import Verdict
from detector.contracts.events import IntentEvent
from streams.runtimes.contract.runtime import Command, Runtime
from streams.runtimes.days.played import Played
from streams.runtimes.days.resident import Resident

__all__ = ["Tally", "live"]


@dataclass(slots=True)
class Tally:
    """What happened besides the decisions.

    Attributes:
        guarded: milliseconds of each allowed command.
        unguarded: milliseconds of the same commands without the adapter.
        disobeyed: commands that ran, or did not run, against their decision and answer.
        refused: meant commands whose confirmation was not accepted, or could not be asked for.
    """

    guarded: list[float] = field(default_factory=list)
    unguarded: list[float] = field(default_factory=list)
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
        began = time.perf_counter()
        turn = runtime.say(command)
        took = time.perf_counter() - began
        ran = len(turn.ran)
        if turn.asks:
            ran += len(runtime.answer(meant).ran)
        elif not meant:
            resident.complain()
        made, decision = resident.asked[-1]
        allowed = decision.verdict is Verdict.ALLOW
        confirmed = meant and decision.verdict is Verdict.CONFIRM
        tally.refused += confirmed and not ran
        tally.disobeyed += ran != allowed and not confirmed
        if allowed:
            tally.guarded.append(1000.0 * took)
            if unguarded is not None:
                began = time.perf_counter()
                unguarded.say(command)
                tally.unguarded.append(1000.0 * (time.perf_counter() - began))
        # The adapter knows one home, and calls it as it likes.
        named = replace(made, household_id=event.household_id)
        yield Played(named, decision.verdict, decision.risk_class, phantom=not meant)
