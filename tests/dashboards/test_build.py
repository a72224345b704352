from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS
from dashboards.build import dashboard_files
from dashboards.config import Config
from dashboards.monitoring import GENERATED
from dashboards.panels import ANNOTATIONS
from dashboards.queries import QUERIES
from tests.dashboards.grafana import complaints

FILES = dashboard_files(Config())
DASHBOARDS: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in FILES.items()}
PANELS: list[dict[str, Any]] = [
    panel
    for dashboard in DASHBOARDS.values()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]
QUERIED = [panel for panel in PANELS if panel["type"] != "text"]
PROMQL = {query.promql for query in QUERIES}


def test_the_committed_dashboards_are_up_to_date() -> None:
    kept = {path.name: path.read_text("utf-8") for path in GENERATED.glob("*.json")}

    assert kept == FILES, "stale files: run 'misfire dashboards build'"


@pytest.mark.parametrize("name", FILES)
def test_grafanas_schema_accepts_every_dashboard(name: str) -> None:
    assert not complaints(DASHBOARDS[name])


def test_the_schema_rejects_an_invalid_dashboard() -> None:
    wrong = json.loads(FILES["misfire-overview.json"])
    wrong["panels"][1]["gridPos"]["w"] = "wide"

    assert complaints(wrong)


@pytest.mark.parametrize("name", FILES)
def test_no_panels_overlap_or_leave_the_grid(name: str) -> None:
    places = [panel["gridPos"] for panel in DASHBOARDS[name]["panels"]]

    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


@pytest.mark.parametrize("name", FILES)
def test_variables_annotations_and_links_are_in_every_dashboard(name: str) -> None:
    dashboard = DASHBOARDS[name]
    variables = [variable["name"] for variable in dashboard["templating"]["list"]]

    assert variables[:4] == ["datasource", "environment", "bundle", "risk_class"]
    assert [mark["expr"] in PROMQL for mark in dashboard["annotations"]["list"]] == [True] * len(
        ANNOTATIONS
    )
    assert [link["title"] for link in dashboard["links"]] == ["misfire", "Runbook"]
    assert not dashboard["editable"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_describes_what_is_normal_and_what_to_do(panel: dict[str, Any]) -> None:
    assert re.search(r"\n\nNormal: [^\n]+\.\n\nDo: [^\n]+[.?]$", panel["description"])
    assert panel["title"]


@pytest.mark.parametrize("panel", QUERIED, ids=lambda panel: panel["title"])
def test_a_panel_uses_named_queries_with_the_variables(
    panel: dict[str, Any],
) -> None:
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["expr"] in PROMQL
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]
        assert re.findall(r"\[([^\]]*)\]", target["expr"]) == ["$__rate_interval"] * target[
            "expr"
        ].count("[")


@pytest.mark.parametrize("panel", QUERIED, ids=lambda panel: panel["title"])
def test_all_queries_of_a_panel_have_its_unit(panel: dict[str, Any]) -> None:
    units = {
        query.unit for query in QUERIES if query.promql in {t["expr"] for t in panel["targets"]}
    }

    assert panel["fieldConfig"]["defaults"]["unit"]
    assert len(units) == 1


def test_every_query_is_in_a_panel() -> None:
    shown = {
        name
        for board in BOARDS
        for row in board.rows
        for panel in row.panels
        for name in panel.queries
    }

    assert shown | set(ANNOTATIONS) == {query.name for query in QUERIES}


def test_panels_link_to_alerts_that_exist() -> None:
    linked = {
        panel.alert for board in BOARDS for row in board.rows for panel in row.panels if panel.alert
    }

    assert linked <= {alert.title for alert in ALERTS}


def test_exemplars_link_to_a_decision() -> None:
    decisions = DASHBOARDS["misfire-decisions.json"]

    assert "decision" in [variable["name"] for variable in decisions["templating"]["list"]]
    assert "misfire decisions show $decision" in decisions["panels"][-1]["options"]["content"]
    asked = [
        target for panel in QUERIED for target in panel["targets"] if "_bucket" in target["expr"]
    ]
    assert asked
    assert all(target["exemplar"] for target in asked)
