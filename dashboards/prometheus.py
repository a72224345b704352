"""Prometheus's configuration: scrape targets, rules and Alertmanager."""

from __future__ import annotations

from typing import Any

from dashboards.config import Config

__all__ = ["prometheus"]


def prometheus(config: Config, rules: str = "rules.yaml") -> dict[str, Any]:
    """Return the configuration; ``rules`` is the path of the rules, absolute or relative to it."""
    interval = config.interval
    jobs = {"misfire-worker": config.workers, "misfire-gateway": config.gateways}
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "rule_files": [rules],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": list(config.alertmanagers)}]}]
        },
        "scrape_configs": [
            {"job_name": job, **_discovery(targets, config), "relabel_configs": [_label(config)]}
            for job, targets in jobs.items()
        ],
    }


def _discovery(targets: tuple[str, ...], config: Config) -> dict[str, Any]:
    if not config.dns:
        return {"static_configs": [{"targets": list(targets)}]}
    return {
        "dns_sd_configs": [
            {"names": [name], "type": "A", "port": int(port), "refresh_interval": "15s"}
            for name, _, port in (target.rpartition(":") for target in targets)
        ]
    }


def _label(config: Config) -> dict[str, str]:
    """Return the relabelling that sets ``environment``, which every dashboard selects by."""
    return {"target_label": "environment", "replacement": config.environment}
