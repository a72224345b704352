"""The four dashboards as literal tables, one module for each.

``build.py`` turns them into Grafana's JSON, ``preview.py`` into an HTML page.
"""

from __future__ import annotations

from dashboards.boards.households import HOUSEHOLDS
from dashboards.boards.overview import OVERVIEW
from dashboards.boards.pipeline import PIPELINE
from dashboards.boards.quality import QUALITY

__all__ = ["BOARDS"]

BOARDS = (OVERVIEW, QUALITY, PIPELINE, HOUSEHOLDS)
