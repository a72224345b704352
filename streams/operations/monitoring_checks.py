"""Whether an installation is watched: Prometheus scrapes every part and has the rules, and a page would reach somebody."""

from __future__ import annotations

import time
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streams.operations.findings import Finding, asked
from streams.wire.redaction import shown

__all__ = ["alert_path", "alerts", "scrape"]

#: The group of the alerts in dashboards/generated/rules.yaml.
_GROUP = "misfire-alerts"
_JOBS = ("misfire-worker", "misfire-gateway")
#: Alertmanager waits ten seconds for pages that belong together.
_PATIENCE = 30.0
_UNSET = "not looked at; set {name} to its address"


def scrape(prometheus: str | None) -> Finding:
    """Whether Prometheus reaches every worker and gateway that it knows of, and knows of both."""
    part = "scrape"
    if prometheus is None:
        return Finding(part, True, _UNSET.format(name="prometheus"))
    found = _data(f"{prometheus}/api/v1/targets", state="active")
    if found is None:
        return _silent(part, "Prometheus", prometheus)
    targets = [target for target in found["activeTargets"] if target["labels"].get("job") in _JOBS]
    absent = [job for job in _JOBS if job not in {target["labels"]["job"] for target in targets}]
    down = [
        f"{target['scrapeUrl']} ({target['lastError']})"
        for target in targets
        if target["health"] != "up"
    ]
    if absent:
        what = f"Prometheus knows no target of the jobs {', '.join(absent)}; take dashboards/generated/prometheus.yaml as its configuration"
        return Finding(part, False, what)
    if down:
        return Finding(
            part,
            False,
            f"Prometheus cannot scrape {'; '.join(down)}; start it, or correct its address",
        )
    return Finding(part, True, f"Prometheus scrapes {len(targets)} processes")


def alerts(prometheus: str | None) -> Finding:
    """Whether Prometheus has the rules, and which alerts fire."""
    part = "alerts"
    if prometheus is None:
        return Finding(part, True, _UNSET.format(name="prometheus"))
    rules = _data(f"{prometheus}/api/v1/rules", type="alert")
    if rules is None:
        return _silent(part, "Prometheus", prometheus)
    known = [
        rule for group in rules["groups"] if group["name"] == _GROUP for rule in group["rules"]
    ]
    if not known:
        what = "Prometheus has no alerts of misfire; name dashboards/generated/rules.yaml in its rule_files"
        return Finding(part, False, what)
    firing = [rule for rule in known if rule["state"] == "firing"]
    said = "; ".join(
        f"{rule['name']} fires: see {rule['annotations']['runbook_url']}" for rule in firing
    )
    return Finding(part, not firing, said or f"{len(known)} alerts, none fires")


def alert_path(prometheus: str | None, alertmanager: str | None, *, page: bool) -> Finding:
    """Whether Prometheus knows an Alertmanager, and pages leave it; with ``page`` one is sent to see it."""
    part = "alert path"
    if prometheus is None or alertmanager is None:
        return Finding(
            part, True, _UNSET.format(name="alertmanager" if prometheus else "prometheus")
        )
    known = _data(f"{prometheus}/api/v1/alertmanagers")
    if known is None:
        return _silent(part, "Prometheus", prometheus)
    if not known["activeAlertmanagers"]:
        what = "Prometheus knows no Alertmanager; name one in the alerting section of its configuration"
        return Finding(part, False, what)
    before = _notifications(alertmanager)
    if before is None:
        return _silent(part, "Alertmanager", alertmanager)
    sent, failed = _sent_now(alertmanager, before) if page else before
    if 2 * failed > sent or (page and not sent):
        what = (
            "did not reach its receiver"
            if page
            else f"{failed:.0f} of {sent:.0f} notifications reached nobody"
        )
        return Finding(
            part,
            False,
            f"{f'a page {what}' if page else what}; put the URL of your pager into the file of receiver 'pages'",
        )
    how = (
        "a page reached its receiver"
        if page
        else f"{sent:.0f} notifications sent; --page sends one to see it arrive"
    )
    return Finding(part, True, how)


def _sent_now(alertmanager: str, before: tuple[float, float]) -> tuple[float, float]:
    """Send a page; return how many notifications were sent, and how many failed, since then."""
    labels = {"alertname": "MisfireTestPage", "severity": "page", "environment": "test"}
    annotations = {
        "summary": "'misfire doctor --page' asks whether pages arrive. Nothing is wrong."
    }
    httpx.post(
        f"{alertmanager}/api/v2/alerts",
        json=[{"labels": labels, "annotations": annotations}],
        timeout=2.0,
    )
    give_up = time.monotonic() + _PATIENCE
    while (
        after := _notifications(alertmanager) or before
    ) == before and time.monotonic() < give_up:
        time.sleep(0.2)
    return after[0] - before[0], after[1] - before[1]


def _notifications(alertmanager: str) -> tuple[float, float] | None:
    """How often Alertmanager tried to reach a receiver, and how often it failed."""
    response = asked(f"{alertmanager}/metrics")
    if response is None:
        return None
    totals = {
        "alertmanager_notification_requests_total": 0.0,
        "alertmanager_notification_requests_failed_total": 0.0,
    }
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            if sample.name in totals:
                totals[sample.name] += sample.value
    sent, failed = totals.values()
    return sent, failed


def _data(url: str, **parameters: str) -> Any:
    """The data of an answer of Prometheus's API; ``None`` where it is not Prometheus that answers."""
    response = asked(url, None, **parameters)
    if response is None or response.status_code != httpx.codes.OK:
        return None
    return response.json()["data"]


def _silent(part: str, name: str, address: str) -> Finding:
    return Finding(
        part,
        False,
        f"{name} does not answer at {shown(address)}; start it, or set {name.lower()} to its address",
    )
