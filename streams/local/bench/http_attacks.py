"""``misfire bench attacks``: latencies while the gateway's HTTP server is attacked, and without."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop

from streams.errors import DependencyUnavailable
from streams.files.certificates import verification
from streams.local.bench.attacker import UNDER_WAY
from streams.local.bench.clients import HttpClient
from streams.local.bench.load import Load
from streams.local.bench.open_loop import Latencies, open_loop
from streams.local.processes import free_port, start, stop
from streams.local.stack import Stack

__all__ = ["AttackRow", "AttacksBench", "bench_attacks"]

#: The gateway's limit on open files, which is the usual default.
_FILES = 1_024
_DEADLINE_MS = 150
_WARM_CALLS = 300
#: Seconds to recover after an attack, and seconds in which the next one has to start.
_RECOVERY_SECONDS, _START_SECONDS = 1.5, 30.0
_READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class AttackRow:
    """One attack, with the latencies of calls without and with it.

    Half of the calls use persistent connections, half open new ones. ``ratio`` is the p99 under
    attack relative to the calm one; memory is the gateway's peak in MiB.
    """

    attack: str
    calm: dict[str, Any]
    attacked: dict[str, Any]
    ratio: float
    calm_mib: float
    attacked_mib: float


@dataclass(frozen=True, slots=True)
class AttacksBench:
    """The results of the benchmark."""

    cpus: int
    load_average: float
    rate: int
    rows: Sequence[AttackRow]


def bench_attacks(
    bundle: Path, *, rate: int, seconds: float, attacks: Sequence[str], note: Callable[[str], None]
) -> AttacksBench:
    """Measure without and with each attack, ``seconds`` each, on a gateway without a broker."""
    load_average = os.getloadavg()[0]
    url = f"http://127.0.0.1:{free_port()}"
    with Stack(bundle, broker=f"127.0.0.1:{free_port()}", topics=False) as stack:
        process = stack.start_part("gateway", url)
        if sys.platform == "linux":
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (_FILES, _FILES))
        _wait_alive(url)
        found = uvloop.run(_measure(url, process.pid, stack.folder, rate, seconds, attacks, note))
    return AttacksBench(os.cpu_count() or 1, round(load_average, 2), rate, found)


async def _measure(  # noqa: PLR0917 - the parameters of a run
    url: str,
    pid: int,
    folder: Path,
    rate: int,
    seconds: float,
    attacks: Sequence[str],
    note: Callable[[str], None],
) -> list[AttackRow]:
    load, rows = Load(), []
    async with HttpClient(url, _DEADLINE_MS) as pooled:

        async def ask(number: int, bodies: Sequence[bytes]) -> str:
            if number % 2:
                return await pooled.ask(bodies[number])
            async with HttpClient(url, _DEADLINE_MS) as fresh:
                return await fresh.ask(bodies[number])

        async def run(calls: int) -> tuple[Latencies, float]:
            bodies = [call.body for call in load.draw(calls)]
            _reset_peak(pid)
            asked: Callable[[int], Awaitable[str]] = lambda number: ask(number, bodies)  # noqa: E731
            return await open_loop(asked, calls, rate), _peak_mib(pid)

        await run(_WARM_CALLS)
        for number, attack in enumerate(attacks):
            await run(round(rate * _RECOVERY_SECONDS))  # recover from the previous attack
            calm, calm_mib = await run(round(rate * seconds))
            command = [
                sys.executable,
                "-m",
                "streams.local.bench.attacker",
                attack,
                url.rpartition(":")[2],
            ]
            log = folder / f"{number}.log"
            process = start([*command, str(2 * seconds + _START_SECONDS)], log=log)
            try:
                _wait_under_way(log)
                attacked, attacked_mib = await run(round(rate * seconds))
            finally:
                stop(process)
            ratio = round(attacked.ms(99) / calm.ms(99), 2)
            rows.append(
                AttackRow(attack, calm.as_json(), attacked.as_json(), ratio, calm_mib, attacked_mib)
            )
            note(f"{attack}: p99 {calm.ms(99):.1f} -> {attacked.ms(99):.1f} ms")
    return rows


def _wait_under_way(log: Path) -> None:
    """Wait until an attack is under way.

    Raises:
        DependencyUnavailable: it did not start in time.
    """
    end = time.monotonic() + _START_SECONDS
    while UNDER_WAY not in (output := log.read_text("utf-8", "replace")):
        if time.monotonic() > end:
            raise DependencyUnavailable(f"the attack did not start: {output[-200:]}")
        time.sleep(0.05)


def _wait_alive(url: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        try:
            found = httpx.get(f"{url}/healthz", timeout=1.0, verify=verification(url))
            if found.is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)


def _reset_peak(pid: int) -> None:
    """Reset the process's peak of memory (proc(5), ``clear_refs``)."""
    if sys.platform == "linux":
        Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")


def _peak_mib(pid: int) -> float:
    if sys.platform != "linux":
        return 0.0
    status: Any = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    )
    return round(int(status["VmHWM"].split()[0]) / 1024, 1)
