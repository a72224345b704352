"""Pictures of what was measured, as PNG and SVG: legible in grey, on paper, and to people who see colours differently."""

from streams.cli.plots.adaptation import draw_adaptation
from streams.cli.plots.canvas import Canvas, open_canvas
from streams.cli.plots.evaluation import draw_evaluation

__all__ = ["Canvas", "draw_adaptation", "draw_evaluation", "open_canvas"]
