"""Grafana's JSON for the dashboards of ``boards``, built with grafana-foundation-sdk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import prometheus as promql
from grafana_foundation_sdk.models import text as prose

from dashboards.boards import BOARDS
from dashboards.config import Config
from dashboards.panels import ANNOTATIONS, DECISIONS, Board, Panel
from dashboards.queries import VARIABLES, Query, named

__all__ = ["dashboard_files", "description"]

#: Grafana's grid: its columns, and the heights of a graph and of a number.
_COLUMNS, _HEIGHT, _LOW = 24, 8, 5
_SOURCE = shape.DataSourceRef(type_val="prometheus", uid="${datasource}")
_UNITS = {
    "seconds": "s",
    "bytes": "bytes",
    "share": "percentunit",
    "bits": "suffix: bits",
    "index": "none",
    "yes or no": "bool_yes_no",
    "times": "suffix: budgets",
}
_TAG = "misfire"
#: The text of the panel that an exemplar's link opens.
_DECISION = """To find a decision, switch exemplars on in a panel's query options and follow the
`decision_id` of one, or paste an id above. Then run:

```
misfire decisions show $decision
```
"""
_ABOUT_DECISIONS = """The command that prints one decision.

Normal: you come here from a point on a graph.

Do: run the command where `misfire` reaches the broker. \
It prints the verdict, the reasons in bits, and the intents that were expected instead."""

Drawn = timeseries.Panel | stat.Panel | heatmap.Panel | text.Panel


def dashboard_files(config: Config) -> dict[str, str]:
    """Return the JSON of each dashboard by file name. The output is deterministic."""
    return {f"{board.uid}.json": _text(_dashboard(board, config).build()) for board in BOARDS}


def _text(built: model.Dashboard) -> str:
    for variable in built.templating.list_val or ():
        # The SDK sets these on every variable, but Grafana's schema allows them on none.
        variable.auto = variable.auto_min = variable.auto_count = None
    return JSONEncoder(sort_keys=True, indent=2).encode(built) + "\n"


def _dashboard(board: Board, config: Config) -> dashboard.Dashboard:
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.about)
        .tags([_TAG])
        .readonly()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(_link("misfire", model.DashboardLinkType.DASHBOARDS).tags([_TAG]).as_dropdown(False))
        .link(_link("Runbook", model.DashboardLinkType.LINK).url(config.runbook).icon("doc"))
        .variables(_variables(board))
    )
    for name in ANNOTATIONS:
        built = built.annotation(_annotation(named(name)))
    for place, panel in _placed(board, config):
        if isinstance(panel, dashboard.Row):
            built.with_row(panel)
        else:
            built.with_panel(panel.grid_pos(place))
    return built


def _placed(board: Board, config: Config) -> Iterator[tuple[model.GridPos, Drawn | dashboard.Row]]:
    """Place each row's header and panels on the grid, left to right, then on the next line."""
    top = 0
    for row in board.rows:
        yield model.GridPos(h=1, w=_COLUMNS, x=0, y=top), dashboard.Row(row.question)
        top, left, height = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                top, left = top + height, 0
            height = _LOW if panel.look == "number" else _HEIGHT
            yield model.GridPos(h=height, w=panel.width, x=left, y=top), _panel(panel, config)
            left += panel.width
        top += height
    if board.uid == DECISIONS:
        one = text.Panel().title("One decision").description(_ABOUT_DECISIONS)
        yield (
            model.GridPos(h=_LOW, w=_COLUMNS, x=0, y=top),
            one.content(_DECISION).mode(prose.TextMode.MARKDOWN),
        )


def _variables(board: Board) -> list[Builder[model.VariableModel]]:
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    found: list[Builder[model.VariableModel]] = [source]
    found += [_variable(name, label, asked) for name, label, asked in VARIABLES]
    if board.uid == DECISIONS:
        found.append(
            dashboard.TextBoxVariable("decision").label("Decision").default_value("DECISION_ID")
        )
    return found


def _variable(name: str, label: str, asked: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(asked)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(selected=True, text="All", value="$__all"))
    )


def _annotation(query: Query) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(query.name.replace("_", " "))
        .datasource(_SOURCE)
        .enable(True)
        .icon_color("blue" if query.name == "bundle_changes" else "orange")
        .expr(query.promql)
        .title_format(query.legend)
        .text_format(query.meaning)
        .step("1m")
    )


def _panel(panel: Panel, config: Config) -> Drawn:
    queries = [named(name) for name in panel.queries]
    drawn = _LOOKS[panel.look](panel)
    drawn.title(panel.title).datasource(_SOURCE).unit(_unit(queries[0].unit)).min(0)
    drawn.description(description(panel, queries))
    for place, query in enumerate(queries):
        drawn.with_target(_target(query, chr(ord("A") + place), panel))
    if panel.every:
        drawn.interval(panel.every)
    if panel.alert:
        link = _link(f"Runbook: {panel.alert}", model.DashboardLinkType.LINK)
        drawn.links([link.url(f"{config.runbook}#{panel.alert.lower()}").target_blank(True)])
    return drawn


def description(panel: Panel, queries: Sequence[Query]) -> str:
    """Return a panel's description: its meaning, what is normal and what to do otherwise."""
    meaning = " ".join(query.meaning for query in queries)
    return f"{meaning}\n\nNormal: {panel.normal}\n\nDo: {panel.do}"


def _target(query: Query, letter: str, panel: Panel) -> prometheus.Dataquery:
    target = (
        prometheus.Dataquery()
        .expr(query.promql)
        .legend_format(query.legend)
        .ref_id(letter)
        .datasource(_SOURCE)
        .exemplar("_bucket" in query.promql)
        .range()
    )
    return target.format(promql.PromQueryFormat.HEATMAP) if panel.look == "heat" else target


def _lines(panel: Panel) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(shape.LegendDisplayMode.LIST)
        .placement(shape.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    drawn = (
        timeseries.Panel()
        .legend(legend)
        .tooltip(
            common.VizTooltipOptions()
            .mode(shape.TooltipDisplayMode.MULTI)
            .sort(shape.SortOrder.DESCENDING)
        )
        .line_width(1)
        .fill_opacity(8)
        .show_points(shape.VisibilityMode.NEVER)
    )
    if panel.bad_from is not None:
        line = common.GraphThresholdsStyleConfig().mode(shape.GraphThresholdsStyleMode.DASHED)
        drawn.thresholds(_thresholds(panel)).thresholds_style(line)
    return drawn


def _stacked(panel: Panel) -> timeseries.Panel:
    stacking = common.StackingConfig().mode(shape.StackingMode.NORMAL).group("A")
    return _lines(panel).stacking(stacking).fill_opacity(40)


def _number(panel: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(shape.BigValueGraphMode.AREA)
        .color_mode(
            shape.BigValueColorMode.VALUE
            if panel.bad_from is None
            else shape.BigValueColorMode.BACKGROUND
        )
        .thresholds(_thresholds(panel))
    )


def _heat(_: Panel) -> heatmap.Panel:
    colors = (
        heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    )
    return heatmap.Panel().calculate(False).color(colors).show_legend()


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    good, bad = ("red", "green") if panel.bad_below else ("green", "red")
    steps = [model.Threshold(value=None, color=good)]
    if panel.bad_from is not None:
        steps.append(model.Threshold(value=panel.bad_from, color=bad))
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def _link(title: str, kind: model.DashboardLinkType) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).type(kind).keep_time(True).include_vars(True)


def _unit(unit: str) -> str:
    return _UNITS.get(unit, f"suffix: {unit}")


_LOOKS: dict[str, Callable[[Panel], timeseries.Panel | stat.Panel | heatmap.Panel]] = {
    "lines": _lines,
    "stacked": _stacked,
    "number": _number,
    "heat": _heat,
}
