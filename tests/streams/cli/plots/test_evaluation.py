from __future__ import annotations

from pathlib import Path

import pytest

from detector.evaluation.evaluate import Evaluation, evaluate
from detector.evaluation.scenarios.portland import PlayedChain, portland
from streams.cli.plots import draw_evaluation, open_canvas
from streams.errors import DependencyUnavailable, UsageError
from tests.detector.builders import hand_bundle
from tests.detector.town import town

pytestmark = pytest.mark.slow

NAMES = {"chain", "costs", "kinds", "reliability", "roc"}
BUNDLE = hand_bundle()
Measured = tuple[Evaluation, tuple[PlayedChain, ...]]


@pytest.fixture(scope="module")
def measured() -> Measured:
    events = town(households=4)
    last = [event.event_id for event in events if event.commits][-9:]
    misfires = {event_id: ("spliced", "game")[number % 2] for number, event_id in enumerate(last)}
    return evaluate(events, BUNDLE, misfires), portland(events, BUNDLE, misfires.keys()) or ()


def draw(directory: Path, found: Evaluation, chains: tuple[PlayedChain, ...]) -> dict[str, bytes]:
    canvas = open_canvas(directory)
    draw_evaluation(canvas, found, BUNDLE.policy.base_rate, chains)
    assert sorted(canvas.written) == sorted(directory.iterdir())
    return {path.name: path.read_bytes() for path in canvas.written}


def test_plots_are_written_as_png_and_svg_reproducibly(measured: Measured, tmp_path: Path) -> None:
    first, second = draw(tmp_path / "a" / "b", *measured), draw(tmp_path / "c", *measured)
    assert first.keys() == {f"{name}.{kind}" for name in NAMES for kind in ("png", "svg")}
    assert all(first[name] == second[name] for name in first)
    assert all(
        drawn.startswith(b"\x89PNG") for name, drawn in first.items() if name.endswith("png")
    )
    assert all(b"</svg>" in drawn for name, drawn in first.items() if name.endswith("svg"))


def test_without_misfires_only_the_chains_are_drawn(measured: Measured, tmp_path: Path) -> None:
    clean = evaluate(town(households=2), BUNDLE, {})
    assert draw(tmp_path, clean, measured[1]).keys() == {"chain.png", "chain.svg"}


def test_without_the_extra_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("streams.cli.plots.canvas.find_spec", lambda _: None)
    with pytest.raises(DependencyUnavailable, match=r"pip install 'misfire-detector\[plot\]'"):
        open_canvas(tmp_path)


def test_plots_need_a_directory_that_can_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(UsageError, match="is a file"):
        open_canvas(tmp_path / "file")
    with pytest.raises(DependencyUnavailable, match="cannot be created"):
        open_canvas(tmp_path / "file" / "below")
