"""Plays a month of several homes in a runtime, each home with a hook and a file of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.progress import Progress, silent
from streams.hook import EmbeddedHook
from streams.runtimes.contract.runtime import PROOF_KEY, Runtime
from streams.runtimes.contract.stand_in_gateway import serve_gateway
from streams.runtimes.contract.targets import PYTHON, ServedRuntime, factory_of, unguarded_of
from streams.runtimes.days.gateway import ResidentGateway
from streams.runtimes.days.living import Tally, live
from streams.runtimes.days.played import Played
from streams.runtimes.days.resident import Clock, Resident

__all__ = ["moved_in", "play_month"]

MoveIn = Callable[[Resident], Runtime]


def play_month(
    events: Sequence[IntentEvent],
    phantoms: Collection[str],
    bundle: Bundle,
    move_in: MoveIn,
    tally: Tally,
    *,
    unguarded: Runtime | None = None,
    progress: Progress = silent,
) -> Iterator[Played]:
    """Play a month, and yield every decision; see ``live`` for the arguments.

    ``move_in`` returns the runtime of a new home. Each home is new on its first day.
    """
    homes, done = dict[str, list[IntentEvent]](), 0
    for event in events:
        homes.setdefault(event.household_id, []).append(event)
    for said in homes.values():
        clock = Clock()
        with (
            tempfile.TemporaryDirectory(prefix="misfire-") as folder,
            EmbeddedHook(
                Path(folder) / "home.db",
                bundle=bundle,
                now=clock.now,
                confirmation_key=PROOF_KEY,
                deadline_ms=60_000,
            ) as hook,
        ):
            resident = Resident(hook, clock, bundle.policy.conversations)
            runtime = move_in(resident)
            for each in live(runtime, resident, said, phantoms, tally, unguarded=unguarded):
                done += 1
                progress("playing", done, len(events))
                yield each


@contextmanager
def moved_in(
    target: str, without: str | None, port: int
) -> Iterator[tuple[MoveIn, Runtime | None]]:
    """Open a runtime; yield what makes the runtime of a home, and the runtime without misfire.

    Args:
        target: ``python:MODULE``, or the URL of a runtime that asks the gateway at ``port``.
        without: the URL of the runtime without misfire. A module has a function ``unguarded``.
        port: the port on loopback of the gateway of a runtime with a URL.

    Raises:
        DependencyUnavailable: the port is in use.
        UsageError: there is no such module or function.
    """
    if target.startswith(PYTHON):
        yield factory_of(target), unguarded_of(target)()
        return
    gateway = ResidentGateway()
    served = ServedRuntime(target)

    def move_in(resident: Resident) -> Runtime:
        gateway.resident = resident
        return served

    with serve_gateway(gateway, port):
        yield move_in, ServedRuntime(without) if without else None
