"""The canvas of all plots: a common style, and reproducible files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from streams.errors import DependencyUnavailable, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FILLS", "LINES", "Canvas", "open_canvas", "percent"]

#: Lines differ by dash and marker, and fills by hatch, so that colours do not matter. The first
#: line is for misfire.
LINES: Sequence[Mapping[str, Any]] = tuple(
    MappingProxyType({"color": color, "linestyle": style, "marker": marker, "linewidth": width})
    for color, style, marker, width in (
        ("#000000", "-", "o", 2.0),
        ("#0072b2", "--", "s", 1.4),
        ("#d55e00", "-.", "^", 1.4),
        ("#707070", ":", "D", 1.4),
        ("#009e73", (0, (5, 1, 1, 1, 1, 1)), "v", 1.4),
        ("#cc79a7", (0, (7, 2)), "P", 1.4),
    )
)
FILLS: Sequence[Mapping[str, Any]] = tuple(
    MappingProxyType({"facecolor": color, "edgecolor": "#000000", "hatch": hatch, "linewidth": 0.7})
    for color, hatch in (("#ffffff", ""), ("#c8c8c8", "///"), ("#707070", ""))
)

_LOOK: Any = {
    "figure.figsize": (6.4, 4.2),
    "figure.dpi": 150,
    "font.family": "DejaVu Sans",  # part of matplotlib, so the same on every machine
    "font.size": 9.5,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#d8d8d8",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "lines.markersize": 4.5,
    "svg.hashsalt": "misfire",
}


@dataclass(slots=True)
class Canvas:
    """A directory for plots; ``written`` lists the files."""

    directory: Path
    written: list[Path] = field(default_factory=list)

    @contextmanager
    def picture(
        self, name: str, title: str, *, widths: Sequence[float] = (1.0,)
    ) -> Iterator[tuple[Figure, Sequence[Axes]]]:
        """Yield a figure with axes of these relative widths, then write it as PNG and SVG.

        Raises:
            DependencyUnavailable: a file cannot be written.
        """
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        with rc_context(_LOOK):
            figure = Figure(layout="constrained")
            FigureCanvasAgg(figure)
            axes = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
            figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=11)
            yield figure, list(axes)
            # Without time and version, the same figures give the same bytes.
            self._write(figure, f"{name}.png", {"Software": None})
            self._write(figure, f"{name}.svg", {"Date": None})

    def _write(self, figure: Figure, name: str, metadata: dict[str, None]) -> None:
        path = self.directory / name
        try:
            figure.savefig(path, metadata=metadata)
        except OSError as error:
            raise DependencyUnavailable(
                f"{path} cannot be written: {error.strerror or error}"
            ) from error
        self.written.append(path)


def open_canvas(directory: Path) -> Canvas:
    """Return a canvas. Call this before a long computation, since it finds errors early.

    Raises:
        DependencyUnavailable: matplotlib is not installed, or the directory cannot be created.
        UsageError: the path is a file.
    """
    if find_spec("matplotlib") is None:
        raise DependencyUnavailable(
            "--plot needs matplotlib, which is not installed: pip install 'misfire-detector[plot]'"
        )
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"--plot {directory} is a file; give a directory")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DependencyUnavailable(
            f"{directory} cannot be created: {error.strerror or error}"
        ) from error
    return Canvas(directory)


def percent(value: float, _: float) -> str:
    """Format a share on an axis as a percentage."""
    return f"{100 * value:.4g} %"
