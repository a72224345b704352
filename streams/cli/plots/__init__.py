"""The plots of ``--plot``, as PNG and SVG, legible without colour.

``--plot`` is a feature of release 0.1.0, and some of its figures, such as the bits along the
Portland chain, are not in the JSON output. matplotlib is an optional extra, imported only here.
"""

from streams.cli.plots.adaptation import draw_adaptation
from streams.cli.plots.canvas import Canvas, open_canvas
from streams.cli.plots.evaluation import draw_evaluation

__all__ = ["Canvas", "draw_adaptation", "draw_evaluation", "open_canvas"]
