from __future__ import annotations

import gc
import subprocess
import sys


def test_what_stays_is_set_aside_and_the_oldest_are_hardly_ever_looked_at() -> None:
    code = "import gc; from streams.garbage import calm_garbage; calm_garbage(); print(gc.get_freeze_count(), *gc.get_threshold())"

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    frozen, youngest, _, oldest = map(int, said)
    assert frozen > 1_000
    assert youngest > gc.get_threshold()[0]
    assert oldest > gc.get_threshold()[2]
