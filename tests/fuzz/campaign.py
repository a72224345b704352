"""Run one target's share of a coverage-guided campaign of RUNS inputs over all targets.

Usage: ``python -m tests.fuzz.campaign TARGET RUNS``. ``make fuzz`` runs every target.

If ``$MISFIRE_CORPUS`` is set, ``$MISFIRE_CORPUS/TARGET`` keeps the inputs that reach new code for
the next campaign. An input that breaks the target is written to ``crash-…`` in the working
directory. Add it to the target's seeds.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["detector", "streams"]):
    from tests.fuzz.targets import HOSTILE, TARGETS

#: In bytes. A record may have 64 KiB, but shorter inputs reach the same code.
LONGEST = 4_096


def main() -> None:
    """Run one target."""
    target = TARGETS[sys.argv[1]]
    runs = math.ceil(
        int(sys.argv[2]) * target.weight / sum(each.weight for each in TARGETS.values())
    )
    with tempfile.TemporaryDirectory() as own:
        corpus = Path(os.environ.get("MISFIRE_CORPUS") or own) / target.name
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate([*HOSTILE, *target.seeds]):
            (corpus / f"seed-{number:02}").write_bytes(seed)
        # The limit on memory makes a leak end the campaign like a crash.
        options = [
            f"-runs={runs}",
            f"-max_len={LONGEST}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", str(corpus)], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
