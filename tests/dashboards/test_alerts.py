from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from dashboards.alerts import ALERTS, Alert
from dashboards.config import Config
from dashboards.monitoring import GENERATED
from dashboards.rules import rules
from streams.telemetry.metrics import CATALOGUE
from tests.dashboards.alert_cases import CASES, promtool_tests, silenced_by
from tests.tools import promtool

pytestmark = pytest.mark.slow


def test_every_alert_has_a_case() -> None:
    assert list(CASES) == [alert.name for alert in ALERTS]


def rules_for(alert: Alert, folder: Path) -> str:
    """Write only the rules that this alert needs, evaluated every minute, to keep promtool fast."""
    content = rules(Config())
    for group in content["groups"]:
        del group["interval"]
        group["rules"] = [
            rule for rule in group["rules"] if rule.get("alert", alert.title) == alert.title
        ]
    if "misfire:" not in alert.expr(Config()):
        del content["groups"][0]
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump(content), "utf-8")
    return str(file)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_fires_stays_silent_and_resolves(alert: Alert, tmp_path: Path) -> None:
    files = []
    for number, case in enumerate(CASES[alert.name]):
        files.append(tmp_path / f"{number}.yaml")
        content = promtool_tests(alert.title, case, rules_for(alert, tmp_path))
        files[-1].write_text(yaml.safe_dump(content), "utf-8")

    promtool("test", "rules", *map(str, files))


@pytest.mark.parametrize(
    "alert", [alert for alert in ALERTS if alert.follows], ids=lambda alert: alert.name
)
def test_an_alert_is_silent_while_another_one_explains_it(alert: Alert, tmp_path: Path) -> None:
    files = []
    memories = [Config().seconds(condition.memory) / 60 for condition in alert.conditions(Config())]
    for cause in alert.follows:
        files.append(tmp_path / f"{cause}.yaml")
        content = silenced_by(
            alert.title,
            CASES[alert.name][0],
            f"Misfire{cause}",
            memories,
            rules_for(alert, tmp_path),
        )
        files[-1].write_text(yaml.safe_dump(content), "utf-8")

    promtool("test", "rules", *map(str, files))


def test_an_outage_that_was_reported_is_not_reported_again(tmp_path: Path) -> None:
    """After 30 minutes without workers, the hour after has enough bad answers for another page."""
    (alert,) = (alert for alert in ALERTS if alert.name == "FirstRungBurnsFast")
    title, rules_file = alert.title, rules_for(alert, tmp_path)
    series = {
        'ALERTS{alertname="MisfireNoWorkerReady",alertstate="firing"}': "_x10 1x30",
        'misfire_hook_answers_total{rung="worker"}': "0+1000x10 10000+0x29 10000+1000x120",
        'misfire_hook_answers_total{rung="gateway"}': "0+0x10 0+1000x29 29000+0x120",
    }
    ever = f'count(count_over_time(ALERTS{{alertname="{title}",alertstate="firing"}}[3h]))'
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": ever, "eval_time": "160m", "exp_samples": []}],
    }
    content = {"rule_files": [rules_file], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(content), "utf-8")

    promtool("test", "rules", str(tmp_path / "tests.yaml"))


@pytest.mark.parametrize(
    ("name", "counter"),
    [
        ("DeadLetters", 'misfire_dead_letters_total{reason="schema"}'),
    ],
)
def test_the_first_increment_of_a_new_counter_is_seen(
    name: str, counter: str, tmp_path: Path
) -> None:
    (alert,) = (alert for alert in ALERTS if alert.name == name)
    content = promtool_tests(alert.title, CASES[name][0], rules_for(alert, tmp_path))
    for test in content["tests"]:
        test["input_series"] = [{"series": counter, "values": "_x13 1+0x60"}]
    (fires, _, resolves) = content["tests"]
    content["tests"] = [fires, resolves]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(content), "utf-8")

    promtool("test", "rules", str(tmp_path / "tests.yaml"))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_uses_only_exported_metrics(alert: Alert) -> None:
    labels = {metric.name: set(metric.labels) for metric in CATALOGUE.metrics}
    expr = alert.expr(Config())

    assert set(re.findall(r"\bmisfire_\w+", expr)) <= labels.keys()
    for name, matched in re.findall(r"\b(misfire_\w+)\{([^}]*)\}", expr):
        assert set(re.findall(r"(\w+)!?=~?\"", matched)) <= labels[name] | {"instance", "job"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_only_a_page_earlier_in_the_list_explains_it(alert: Alert) -> None:
    before = {other.name: other for other in ALERTS[: ALERTS.index(alert)]}
    for cause in alert.follows:  # evaluated earlier, since both may start to fire at the same time
        assert before[cause].severity == "page"


def test_prometheus_accepts_the_rules_and_its_configuration() -> None:
    promtool("check", "rules", str(GENERATED / "rules.yaml"))
    promtool("check", "config", str(GENERATED / "prometheus.yaml"))
