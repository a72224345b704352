from __future__ import annotations

import subprocess
import sys


def test_gc_freezes_loaded_objects_and_rarely_collects_the_oldest() -> None:
    code = (
        "import gc; from streams.gc_tuning import tune_gc; before = gc.get_threshold(); tune_gc(); "
        "print(*before, gc.get_freeze_count(), *gc.get_threshold())"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    youngest_before, _, oldest_before, frozen, youngest, _, oldest = map(int, said)
    assert frozen > 1_000
    assert youngest > youngest_before
    assert oldest > oldest_before
