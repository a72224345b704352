"""Run docker-compose.yml for real, on a Docker engine of its own, without an image registry.

    python -m tests.compose.run [--folder DIR] [--check WORD] [--minutes 60]

It begins without an image or a volume, makes every check in order, and prints each with its
seconds. It takes root, Debian 12's docker.io, iptables, slirp4netns and debootstrap, Go, Maven,
Java and a Python 3.12, and names what is missing. Stand-ins replace the images that the files name
(images.py); the files themselves are used as they are. The engine, its containers and its networks
exist in namespaces of their own and end with this program, also when it fails or is killed; the
next run removes the files of one that was killed. Exit code 1 if a check fails or time runs out.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from tests.compose import checks
from tests.compose.engine import Engine, engine
from tests.compose.images import compose_program, made, make_stand_ins, pin
from tests.compose.lacking import lacking
from tests.compose.leftovers import (
    PLACE,
    cpu_seconds,
    held,
    remove_leftovers,
    temporary_folder,
)
from tests.compose.stack import IMAGE, Stack


def main() -> None:
    """Prepare the images, start an engine, and make every check in order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, help="keep the stand-ins here for the next run (about 4 GiB)"
    )
    parser.add_argument(
        "--check", action="append", default=[], help="only checks with this word in their names"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after this time")
    given = parser.parse_args()
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
    if missing := lacking(given.folder or PLACE):
        sys.exit("\n".join(missing))
    signal.signal(signal.SIGALRM, _time_is_over)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.setitimer(signal.ITIMER_REAL, 60 * given.minutes)
    began = time.monotonic()
    remove_leftovers()
    try:
        with ExitStack() as stack:
            folder = given.folder or stack.enter_context(temporary_folder())
            stack.enter_context(held(folder))
            chosen = [
                check
                for check in checks.ALL
                if not given.check or any(word in _name(check) for word in given.check)
            ]
            failed = _run(folder.resolve(), chosen, stack)
    except BlockingIOError:
        sys.exit(f"another run uses {given.folder}")
    except TimeoutError:
        sys.exit(f"FAILED: not finished within {given.minutes:g} minutes (--minutes)")
    finally:
        _say(f"{time.monotonic() - began:.0f} s in all, load average {os.getloadavg()[0]:.1f}")
    sys.exit(failed > 0)


def _run(folder: Path, chosen: Sequence[Callable[[Stack], str]], stack: ExitStack) -> int:
    """Make the stand-ins, start an engine, and return how many checks failed."""
    began = time.monotonic()
    program = compose_program()
    _stream(folder)
    if not made(folder):
        with engine(folder) as started:
            make_stand_ins(started, folder)
        pin(folder)
        _say(f"stand-ins for the images [{time.monotonic() - began:.0f} s]")
    running = stack.enter_context(engine(folder))
    project = Stack(running, program, folder)
    _forget(running)
    failed = 0
    for check in chosen:
        began, used = time.monotonic(), cpu_seconds()
        try:
            found = check(project)
        except (AssertionError, RuntimeError) as error:
            failed += 1
            found = f"FAILED: {error!r}"
        seconds, used = time.monotonic() - began, cpu_seconds() - used
        _say(f"{_name(check)}: {found} [{seconds:.0f} s, CPU {used:.0f} s]")
    _say(f"{len(chosen) - failed} passed, {failed} failed, CPU {cpu_seconds():.0f} s")
    return failed


def _forget(running: Engine) -> None:
    """Remove what an earlier run with the same folder left: containers, volumes and our image."""
    running.empty()
    running.start("docker", "image", "rm", "--force", IMAGE)


def _name(check: Callable[[Stack], str]) -> str:
    return check.__name__.replace("_", " ")


def _stream(folder: Path) -> None:
    """Write events of households that no bundle was trained on."""
    options = ["--households=16", "--days=8", "--misfire-rate=0.4", "--seed=7", "--force"]
    files = [f"--out={folder / 'stream.jsonl.gz'}", f"--labels={folder / 'labels.jsonl'}"]
    misfire = Path(sys.executable).with_name("misfire")
    subprocess.run([misfire, "simulate", *files, *options], check=True, capture_output=True)


def _time_is_over(_: int, __: FrameType | None) -> None:
    raise TimeoutError


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
