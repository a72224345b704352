"""One target's share of a campaign of RUNS inputs, guided by coverage: ``python -m tests.fuzz.campaign TARGET RUNS``.

``make fuzz`` runs all of them.

Inputs that reach new code are kept in ``$MISFIRE_CORPUS/TARGET`` where that is set, and found again the next time. What breaks a target
is written to ``crash-…`` in the working directory, and belongs among its seeds afterwards.
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

#: Bytes; a record has at most 64 KiB, and what matters of one fits here.
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
        # Memory that grows with the inputs ends the campaign as a crash does.
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
