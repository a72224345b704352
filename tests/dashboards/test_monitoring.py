from __future__ import annotations

from pathlib import Path

import yaml

from dashboards.alertmanager import alertmanager
from dashboards.alerts import ALERTS
from dashboards.config import Config
from dashboards.monitoring import GENERATED, monitoring_files, write_monitoring
from tests.tools import amtool


def configuration(folder: Path) -> str:
    """Write the configuration with the webhook's URL inline.

    Debian's Alertmanager 0.25 cannot read the URL from a file.
    """
    write_monitoring(folder, Config(page_url="http://127.0.0.1:9/"))
    return str(folder / "alertmanager.yaml")


def test_the_committed_files_are_up_to_date() -> None:
    for name, text in monitoring_files(Config()).items():
        assert (GENERATED / name).read_text("utf-8") == text, (
            f"{name} is stale: run 'misfire dashboards build'"
        )


def test_alertmanager_accepts_its_configuration(tmp_path: Path) -> None:
    assert "SUCCESS" in amtool("check-config", configuration(tmp_path))


def test_pages_and_tickets_go_to_their_receivers(tmp_path: Path) -> None:
    file = configuration(tmp_path)
    for severity, receiver in (("page", "pages"), ("ticket", "tickets")):
        labels = [f"severity={severity}", "alertname=MisfireBrokerGone", "environment=production"]
        assert (
            amtool("config", "routes", "test", f"--config.file={file}", *labels).strip() == receiver
        )


def test_the_url_of_the_pager_is_read_from_a_file() -> None:
    for receiver in alertmanager(Config())["receivers"]:
        (webhook,) = receiver["webhook_configs"]
        assert webhook == {"url_file": "/run/secrets/page_url", "send_resolved": True}


def test_an_alert_is_inhibited_by_the_alerts_that_explain_it() -> None:
    silenced = {
        (rule["source_matchers"][0].split('"')[1], title)
        for rule in alertmanager(Config())["inhibit_rules"]
        for title in rule["target_matchers"][0].split('"')[1].split("|")
    }

    assert silenced == {
        (f"Misfire{cause}", alert.title) for alert in ALERTS for cause in alert.follows
    }


def test_grafana_is_provisioned_with_prometheus_and_the_dashboards() -> None:
    files = monitoring_files(Config())
    sources = yaml.safe_load(files["grafana/datasources/misfire.yaml"])["datasources"]
    (provider,) = yaml.safe_load(files["grafana/dashboards/misfire.yaml"])["providers"]
    compose = yaml.safe_load(
        Path(__file__).parents[2].joinpath("docker-compose.yml").read_text("utf-8")
    )["services"]

    assert [source["name"] for source in sources if source.get("isDefault")] == ["Prometheus"]
    for source in sources:
        service, port = source["url"].removeprefix("http://").split(":")
        assert any(entry.endswith(f":{port}") for entry in compose[service]["ports"])
    assert (
        f"./dashboards/generated:{provider['options']['path']}:ro" in compose["grafana"]["volumes"]
    )
    assert (
        compose["grafana"]["environment"]["GF_PATHS_PROVISIONING"]
        == f"{provider['options']['path']}/grafana"
    )
