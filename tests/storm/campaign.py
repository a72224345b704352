"""``make storm``: break everything that the README says survives, and count every id at the end.

It starts three brokers, two workers and two gateways, calls through the hook at a steady rate, and
causes one fault after another in a seeded order. It stops itself, and exits with 1 if an id was
lost, applied twice or answered late.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.storm.cluster import Cluster
from tests.storm.counting import count_ids, decisions_of, logged_events, settled
from tests.storm.faults import FAULTS
from tests.storm.report import Phase, Report, phase_of
from tests.storm.scene import Scene, Setting, staged, waited
from tests.storm.step_ids import ids_by_step

__all__ = ["main", "storm"]

#: Megabytes of the small disk of broker 3.
_DISK_MB = 96


def storm(
    folder: Path, faults: Sequence[str], *, seed: int, rate: float, deadline_ms: int, until: float
) -> Report:
    """Run faults one after another, as long as ``time.monotonic`` is before ``until``."""
    chance, began = random.Random(seed), time.monotonic()
    phases: list[Phase] = []
    starts: list[tuple[str, float]] = []
    skipped: list[str] = []
    with small_disk(folder) as disk:
        cluster = Cluster(lambda number: _place(folder, number, disk))
        setting = Setting(rate, deadline_ms, f"s{seed}")
        with cluster, staged(cluster, folder, setting) as scene:
            for name in faults:
                if time.monotonic() > until:
                    skipped.append(f"{name}: the time was over")
                    continue
                _say(name)
                try:
                    for phase, start in _phases(scene, name, chance):
                        _say(f"  {phase.row}")
                        phases.append(phase)
                        starts.append((phase.fault, start))
                except LookupError as error:
                    skipped.append(f"{name}: {error.args[0]}")
            load = scene.load
            load.end()
            waited(lambda: settled(cluster), 60, every=3)
            count = count_ids(cluster, load.calls, load.unanswered, scene.kills)
            steps = ids_by_step(
                starts, load.begun, load.calls, logged_events(cluster), decisions_of(cluster)
            )
    with (folder / "calls.log").open("w") as file:
        file.writelines(json.dumps(call.as_json()) + "\n" for call in load.calls)
    reasons = Counter(call.reason for call in load.calls if not call.answered_by_worker)
    return Report(
        seed,
        rate,
        deadline_ms,
        time.monotonic() - began,
        phases,
        skipped,
        count,
        os.getloadavg()[0],
        dict(reasons.most_common()),
        steps,
    )


def _phases(scene: Scene, name: str, chance: random.Random) -> Iterator[tuple[Phase, float]]:
    """Run a fault; yield the figures of each of its steps, once workers alone answer again.

    With each, yield when it began, on ``time.monotonic``.
    """
    steps = FAULTS[name](scene, chance)
    step = next(steps, None)
    while step is not None:
        began, following = time.monotonic(), next(steps, None)
        calm = scene.quiet()
        yield phase_of(step, scene.load.since(began), began, calm=calm), began
        step = following


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small disk for a ``with`` block; yield ``None`` without the right to do that."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def _place(folder: Path, number: int, disk: Path | None) -> Path:
    """Return the folder of a node's data; the third node has the small disk."""
    if number == 3 and disk is not None:
        return disk
    place = folder / f"broker-{number}"
    place.mkdir()
    return place


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; return 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="make storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="order of faults and their victims")
    parser.add_argument("--minutes", type=float, default=15.0, help="begin no fault after this")
    parser.add_argument("--rate", type=float, default=20.0, help="calls per second")
    parser.add_argument("--deadline-ms", type=int, default=1_000, help="deadline of each call")
    parser.add_argument(
        "--out", type=Path, default=Path("build/storm"), help="folder of the report"
    )
    parser.add_argument("--fault", action="append", choices=[*FAULTS], help="only these")
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # the hook's, on every call that no worker answers
    # Also stopped by SIGTERM, it unmounts its disk and ends its processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = given.fault or [*FAULTS]
    if not given.fault:
        random.Random(given.seed).shuffle(names)
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="misfire-storm-") as folder:
        report = storm(
            Path(folder),
            names,
            seed=given.seed,
            rate=given.rate,
            deadline_ms=given.deadline_ms,
            until=time.monotonic() + 60 * given.minutes,
        )
        for log in Path(folder).glob("*.log"):
            with suppress(OSError):
                (given.out / log.name).write_bytes(log.read_bytes())
    (given.out / "report.json").write_text(json.dumps(report.as_json(), indent=1) + "\n")
    (given.out / "report.md").write_text(report.as_markdown())
    print(report.as_markdown())
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
