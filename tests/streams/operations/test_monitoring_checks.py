from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from streams.operations import monitoring_checks as monitoring
from streams.operations.monitoring_checks import alert_path, alerts, scrape

PROMETHEUS, ALERTMANAGER = "http://p:9090", "http://a:9093"
Answers = dict[str, Any]


def target(job: str, health: str = "up") -> dict[str, Any]:
    return {
        "labels": {"job": job},
        "health": health,
        "scrapeUrl": f"http://{job}/metrics",
        "lastError": "refused",
    }


def rule(name: str, state: str) -> dict[str, Any]:
    return {
        "name": name,
        "state": state,
        "annotations": {"runbook_url": f"runbook.md#{name.lower()}"},
    }


def sent(total: int, failed: int) -> str:
    return (
        "# TYPE alertmanager_notification_requests_total counter\n"
        f'alertmanager_notification_requests_total{{integration="webhook"}} {total}\n'
        "# TYPE alertmanager_notification_requests_failed_total counter\n"
        f'alertmanager_notification_requests_failed_total{{integration="webhook"}} {failed}\n'
    )


HEALTHY: Answers = {
    "/api/v1/targets": {
        "activeTargets": [
            target("misfire-worker"),
            target("misfire-gateway"),
            target("node", "down"),
        ]
    },
    "/api/v1/rules": {
        "groups": [{"name": "misfire-alerts", "rules": [rule("MisfireLagGrows", "inactive")]}]
    },
    "/api/v1/alertmanagers": {"activeAlertmanagers": [{"url": "http://a:9093/api/v2/alerts"}]},
    "/metrics": sent(12, 1),
}


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], None]:
    """Sets the answers of Prometheus and Alertmanager by path; other requests get no answer."""

    def answer(answers: Answers) -> None:
        def fetch(url: str, _options: object = None, **_: str) -> httpx.Response | None:
            found = answers.get(httpx.URL(url).path)
            if found is None:
                return None
            return (
                httpx.Response(200, text=found)
                if isinstance(found, str)
                else httpx.Response(200, json={"data": found})
            )

        monkeypatch.setattr(monitoring, "fetch", fetch)

    answer(HEALTHY)
    return answer


@pytest.mark.usefixtures("answering")
def test_working_monitoring_is_reported_as_such() -> None:
    assert (scrape(PROMETHEUS).ok, scrape(PROMETHEUS).text) == (
        True,
        "Prometheus scrapes 2 processes",
    )
    assert (alerts(PROMETHEUS).ok, alerts(PROMETHEUS).text) == (
        True,
        "1 alerts, none of them firing",
    )
    found = alert_path(PROMETHEUS, ALERTMANAGER, page=False)
    assert (found.ok, found.text) == (
        True,
        "12 notifications sent; use --page to send a test page",
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"/api/v1/targets": None}, "Prometheus does not answer at http://p:9090"),
        (
            {"/api/v1/targets": {"activeTargets": [target("misfire-worker")]}},
            "no target for the jobs misfire-gateway",
        ),
        (
            {
                "/api/v1/targets": {
                    "activeTargets": [target("misfire-worker", "down"), target("misfire-gateway")]
                }
            },
            "cannot scrape http://misfire-worker/metrics (refused)",
        ),
        ({"/api/v1/rules": {"groups": []}}, "add dashboards/generated/rules.yaml"),
        (
            {
                "/api/v1/rules": {
                    "groups": [
                        {"name": "misfire-alerts", "rules": [rule("MisfireLagGrows", "firing")]}
                    ]
                }
            },
            "MisfireLagGrows fires: see runbook.md#misfirelaggrows",
        ),
        ({"/api/v1/alertmanagers": {"activeAlertmanagers": []}}, "knows no Alertmanager"),
        ({"/metrics": None}, "Alertmanager does not answer at http://a:9093"),
        ({"/metrics": sent(12, 12)}, "12 of 12 notifications were not delivered"),
    ],
)
def test_monitoring_findings_name_the_problem_and_the_fix(
    changed: Answers, said: str, answering: Any
) -> None:
    answering(HEALTHY | changed)

    wrong = [
        finding
        for finding in (
            scrape(PROMETHEUS),
            alerts(PROMETHEUS),
            alert_path(PROMETHEUS, ALERTMANAGER, page=False),
        )
        if not finding.ok
    ]

    assert said in " ".join(finding.text for finding in wrong)


def test_parts_without_an_address_are_not_checked() -> None:
    for finding in (
        scrape(None),
        alerts(None),
        alert_path(None, None, page=True),
        alert_path(PROMETHEUS, None, page=True),
    ):
        assert finding.ok
        assert finding.text.startswith("not checked; set ")
