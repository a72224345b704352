from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detector.evaluation.scenarios.adaptation import Adaptation, Attempt, Recovery, Window
from streams.cli.plots import draw_adaptation, open_canvas

pytestmark = pytest.mark.slow

WINDOWS = tuple(Window(first, first + 4, 100, 0.2 / first, first > 5) for first in range(1, 91, 5))
FOUND = Adaptation(
    households=40,
    budget=0.01,
    recoveries=(Recovery("nothing", WINDOWS[:9], 0), Recovery("a new device", WINDOWS, 5)),
    attempts=tuple(Attempt(number, 40, 0.8, 0.5, 0.8 / number, 0.1) for number in range(1, 9)),
    learned=False,
)


def test_both_plots_are_written_reproducibly(tmp_path: Path) -> None:
    drawn = []
    for name in "ab":
        canvas = open_canvas(tmp_path / name)
        draw_adaptation(canvas, FOUND)
        drawn.append({path.name: path.read_bytes() for path in canvas.written})
    assert drawn[0].keys() == {"change.png", "change.svg", "attack.png", "attack.svg"}
    assert drawn[0] == drawn[1]


def test_without_an_attack_only_the_change_is_drawn(tmp_path: Path) -> None:
    canvas = open_canvas(tmp_path)
    draw_adaptation(canvas, replace(FOUND, attempts=()))
    assert [path.name for path in canvas.written] == ["change.png", "change.svg"]
