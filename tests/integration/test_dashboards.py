"""Run every query of every panel on a real Prometheus that scrapes a worker and a gateway."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Literal

import pytest

from dashboards.ask import Prometheus
from dashboards.boards import BOARDS
from dashboards.preview import draw
from dashboards.queries import EVERYTHING, QUERIES, Query, filled
from detector.contracts.decisions import Verdict
from streams.kafka.topics import DECISIONS
from streams.telemetry.metrics import CATALOGUE
from tests import loopback
from tests.commands import misfire
from tests.integration.browser import READABLE, look
from tests.integration.watched import SPAN, Watched, watched

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PANELS = [panel for board in BOARDS for row in board.rows for panel in row.panels]
#: Metrics that the traffic must have increased.
HAPPENED = {
    "confirmations",
    "dead_letters",
    "decisions",
    "degraded_reasons",
    "degraded_share",
    "hook_answers",
    "late",
    "outcomes",
    "repeated",
    "restarts",
    "shadow_differs",
    "shadow_stopped_share",
    "stopped",
    "verdicts",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("watched")) as seen:
        yield seen


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_no_panel_is_empty(seen: Watched, query: Query) -> None:
    promql = filled(query.promql, EVERYTHING, f"{SPAN:.0f}s")

    series = Prometheus(seen.monitoring.url).over(promql, seen.began, time.time(), 1.0)

    assert series, promql
    assert all(found.points for found in series)
    if query.name in HAPPENED:
        assert any(value > 0 for found in series for _, value in found.points), promql


def test_an_exemplar_links_to_its_decision(seen: Watched) -> None:
    asked: dict[str, str | float] = {
        "query": "misfire_hook_answer_seconds_bucket",
        "start": seen.began,
        "end": time.time(),
    }

    answer = loopback.get(
        f"{seen.monitoring.url}/api/v1/query_exemplars", params=asked, timeout=5
    ).json()

    kept = {
        point["labels"]["decision_id"] for found in answer["data"] for point in found["exemplars"]
    }
    assert kept
    assert kept <= {decision.decision_id for decision in seen.decisions}


def test_the_decisions_command_shows_the_decision_of_an_exemplar(seen: Watched) -> None:
    decision = next(each for each in seen.decisions if each.verdict is Verdict.BLOCK)
    shown, absent = (
        misfire("decisions", "show", "--broker", seen.broker, "--json", "-", name)
        for name in (decision.decision_id, "0" * 32)
    )

    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["event_id"] == decision.event_id
    assert absent.returncode == 1
    assert "Traceback" not in absent.stderr


def test_a_process_exports_only_its_own_metrics(seen: Watched) -> None:
    def names(url: str) -> set[str]:
        return set(
            re.findall(r"^# TYPE (misfire_\w+)", loopback.get(f"{url}/metrics").text, re.MULTILINE)
        )

    for owner, url in (("worker", seen.worker.url), ("gateway", seen.gateway)):
        assert names(url) == {m.name for m in CATALOGUE.metrics if owner in m.owner.split(", ")}


@pytest.fixture(scope="module")
def page(seen: Watched, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the preview with the command."""
    drawn, empty = draw(
        Prometheus(seen.monitoring.url), seconds=time.time() - seen.began, span=SPAN
    )
    assert not empty
    assert "restarted" in drawn
    page = tmp_path_factory.mktemp("preview") / "page.html"
    page.write_text(drawn, "utf-8")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dashboard_is_readable_in_a_browser(
    page: Path, scheme: Literal["light", "dark"]
) -> None:
    wanted = [(panel.title, panel.normal, panel.do) for panel in PANELS]

    shown = look(page, scheme)

    assert not shown.console
    assert [each.title for each in shown.panels] == [title for title, _, _ in wanted]
    for each, (_, normal, do) in zip(shown.panels, wanted, strict=True):
        assert each.drawn, each.title
        assert not each.cut_off, each.title
        assert each.paragraphs[1:] == [f"Normal: {normal}", f"Do: {do}"]
    for one, other in combinations(shown.panels, 2):
        assert not one.overlaps(other), (one.title, other.title)
    assert min(each.contrast for each in shown.panels) >= READABLE


def test_no_series_contains_an_id(seen: Watched) -> None:
    said = "".join(loopback.get(f"{url}/metrics").text for url in (seen.gateway, seen.worker.url))

    assert "misfire_commands_total" in said
    for decision in seen.decisions:
        assert decision.household_id not in said
        assert decision.event_id not in said
    assert DECISIONS not in said or "topic=" in said
