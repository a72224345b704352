"""Alertmanager's configuration: receivers, grouping and inhibition of alerts."""

from __future__ import annotations

from typing import Any

from dashboards.alerts import ALERTS
from dashboards.config import Config

__all__ = ["alertmanager"]


def alertmanager(config: Config) -> dict[str, Any]:
    """Return the configuration.

    Pages are sent at once and repeated every hour, tickets after minutes and repeated every day.
    ``group_wait`` must be shorter than an alert lasts: Alertmanager never sends an alert that
    resolved before its group was sent.
    """
    return {
        "route": {
            "receiver": "tickets",
            "group_by": ["alertname", "environment"],
            "group_wait": config.span("2m"),
            "group_interval": config.span("5m", 1.0),
            "repeat_interval": config.span("1d", 60.0),
            "routes": [
                {
                    "matchers": ['severity="page"'],
                    "receiver": "pages",
                    "group_wait": config.span("10s"),
                    "group_interval": config.span("1m", 1.0),
                    "repeat_interval": config.span("1h", 60.0),
                }
            ],
        },
        "inhibit_rules": _inhibitions(),
        "receivers": [_receiver(name, config) for name in ("pages", "tickets")],
    }


def _receiver(name: str, config: Config) -> dict[str, Any]:
    address = (
        {"url_file": config.page_url_file} if config.page_url is None else {"url": config.page_url}
    )
    return {"name": name, "webhook_configs": [{**address, "send_resolved": True}]}


def _inhibitions() -> list[dict[str, Any]]:
    """Return one inhibition rule for each alert that explains others."""
    explained = {
        cause.title: [alert.title for alert in ALERTS if cause.name in alert.follows]
        for cause in ALERTS
    }
    return [
        {
            "source_matchers": [f'alertname="{cause}"'],
            "target_matchers": [f'alertname=~"{"|".join(others)}"'],
            "equal": ["environment"],
        }
        for cause, others in explained.items()
        if others
    ]
