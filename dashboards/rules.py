"""Prometheus's recording and alerting rules."""

from __future__ import annotations

from typing import Any

from dashboards.alerts import ALERTS, Alert
from dashboards.config import Config
from dashboards.slo import recording_rules

__all__ = ["rules"]


def rules(config: Config) -> dict[str, Any]:
    """Return the contents of Prometheus's rule file."""
    groups = {
        "misfire-slos": recording_rules(config),
        "misfire-alerts": [_alert(alert, config) for alert in ALERTS],
    }
    return {
        "groups": [
            {"name": name, "interval": config.interval, "rules": content}
            for name, content in groups.items()
        ]
    }


def _alert(alert: Alert, config: Config) -> dict[str, Any]:
    return {
        "alert": alert.title,
        "expr": alert.expr(config),
        "for": config.span(alert.lasting),
        "labels": {"severity": alert.severity, "environment": config.environment},
        "annotations": {
            "summary": alert.summary,
            "felt": alert.felt,
            "runbook_url": f"{config.runbook}#{alert.title.lower()}",
        },
    }
