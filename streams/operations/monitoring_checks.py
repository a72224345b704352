"""Checks of the monitoring: Prometheus scrapes every part, has the alerts, and pages arrive."""

from __future__ import annotations

import time
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streams.files.certificates import verification
from streams.operations.findings import Finding, fetch
from streams.wire.redaction import redacted

__all__ = ["alert_path", "alerts", "scrape"]

#: The group of the alerts in dashboards/generated/rules.yaml.
_GROUP = "misfire-alerts"
_JOBS = ("misfire-worker", "misfire-gateway")
#: Seconds to wait for a test page; Alertmanager itself waits ten seconds to group pages.
_PAGE_SECONDS = 30.0
_UNSET = "not checked; set {name} to its address"


def scrape(prometheus: str | None) -> Finding:
    """Check that Prometheus has targets for workers and gateways, and scrapes all of them."""
    part = "scrape"
    if prometheus is None:
        return Finding(part, True, _UNSET.format(name="prometheus"))
    found = _data(f"{prometheus}/api/v1/targets", state="active")
    if found is None:
        return _unreachable(part, "Prometheus", prometheus)
    targets = [target for target in found["activeTargets"] if target["labels"].get("job") in _JOBS]
    absent = [job for job in _JOBS if job not in {target["labels"]["job"] for target in targets}]
    down = [
        f"{target['scrapeUrl']} ({target['lastError']})"
        for target in targets
        if target["health"] != "up"
    ]
    if absent:
        text = (
            f"Prometheus has no target for the jobs {', '.join(absent)}; "
            "use dashboards/generated/prometheus.yaml as its configuration"
        )
        return Finding(part, False, text)
    if down:
        return Finding(
            part,
            False,
            f"Prometheus cannot scrape {'; '.join(down)}; start the process or fix the address",
        )
    return Finding(part, True, f"Prometheus scrapes {len(targets)} processes")


def alerts(prometheus: str | None) -> Finding:
    """Check that Prometheus has the alerts, and list those that fire."""
    part = "alerts"
    if prometheus is None:
        return Finding(part, True, _UNSET.format(name="prometheus"))
    rules = _data(f"{prometheus}/api/v1/rules", type="alert")
    if rules is None:
        return _unreachable(part, "Prometheus", prometheus)
    known = [
        rule for group in rules["groups"] if group["name"] == _GROUP for rule in group["rules"]
    ]
    if not known:
        text = (
            "Prometheus has none of misfire's alerts; "
            "add dashboards/generated/rules.yaml to its rule_files"
        )
        return Finding(part, False, text)
    firing = [rule for rule in known if rule["state"] == "firing"]
    text = "; ".join(
        f"{rule['name']} fires: see {rule['annotations']['runbook_url']}" for rule in firing
    )
    return Finding(part, not firing, text or f"{len(known)} alerts, none of them firing")


def alert_path(prometheus: str | None, alertmanager: str | None, *, page: bool) -> Finding:
    """Check that Prometheus knows a working Alertmanager; with ``page``, send a test page."""
    part = "alert path"
    if prometheus is None or alertmanager is None:
        return Finding(
            part, True, _UNSET.format(name="alertmanager" if prometheus else "prometheus")
        )
    known = _data(f"{prometheus}/api/v1/alertmanagers")
    if known is None:
        return _unreachable(part, "Prometheus", prometheus)
    if not known["activeAlertmanagers"]:
        text = "Prometheus knows no Alertmanager; add one under alerting in its configuration"
        return Finding(part, False, text)
    before = _notifications(alertmanager)
    if before is None:
        return _unreachable(part, "Alertmanager", alertmanager)
    sent, failed = _send_page(alertmanager, before) if page else before
    if 2 * failed > sent or (page and not sent):
        problem = (
            "the test page did not reach its receiver"
            if page
            else f"{failed:.0f} of {sent:.0f} notifications were not delivered"
        )
        return Finding(
            part,
            False,
            f"{problem}; put your pager's URL into the file that receiver 'pages' reads",
        )
    text = (
        "the test page reached its receiver"
        if page
        else f"{sent:.0f} notifications sent; use --page to send a test page"
    )
    return Finding(part, True, text)


def _send_page(alertmanager: str, before: tuple[float, float]) -> tuple[float, float]:
    """Send a page; return how many notifications were sent and how many failed since then."""
    labels = {"alertname": "MisfireTestPage", "severity": "page", "environment": "test"}
    annotations = {"summary": "'misfire doctor --page' tests that pages arrive. Nothing is wrong."}
    httpx.post(
        f"{alertmanager}/api/v2/alerts",
        json=[{"labels": labels, "annotations": annotations}],
        timeout=2.0,
        verify=verification(alertmanager),
    )
    give_up = time.monotonic() + _PAGE_SECONDS
    while (
        after := _notifications(alertmanager) or before
    ) == before and time.monotonic() < give_up:
        time.sleep(0.2)
    return after[0] - before[0], after[1] - before[1]


def _notifications(alertmanager: str) -> tuple[float, float] | None:
    """Return how many notifications Alertmanager has sent, and how many of them failed."""
    response = fetch(f"{alertmanager}/metrics")
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
    """Return the data of an API response; ``None`` if Prometheus does not answer."""
    response = fetch(url, None, **parameters)
    if response is None or response.status_code != httpx.codes.OK:
        return None
    return response.json()["data"]


def _unreachable(part: str, name: str, address: str) -> Finding:
    return Finding(
        part,
        False,
        f"{name} does not answer at {redacted(address)}; "
        f"start it, or set {name.lower()} to its address",
    )
