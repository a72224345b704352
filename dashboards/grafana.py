"""Grafana's provisioning: its data sources and its dashboard folder."""

from __future__ import annotations

from typing import Any

__all__ = ["dashboard_providers", "data_sources"]


def data_sources() -> dict[str, Any]:
    """Return the data sources; an exemplar's ``decision_id`` links to the decision's command."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": "prometheus",
                "type": "prometheus",
                "access": "proxy",
                "url": "http://prometheus:9090",
                "isDefault": True,
                "editable": False,
                "jsonData": {
                    "httpMethod": "POST",
                    "timeInterval": "15s",
                    "exemplarTraceIdDestinations": [
                        {
                            "name": "decision_id",
                            "url": "/d/misfire-decisions?var-decision=${__value.raw}",
                            "urlDisplayLabel": "How to see this decision",
                        }
                    ],
                },
            },
            {
                "name": "Alertmanager",
                "uid": "alertmanager",
                "type": "alertmanager",
                "access": "proxy",
                "url": "http://alertmanager:9093",
                "editable": False,
                "jsonData": {"implementation": "prometheus"},
            },
        ],
    }


def dashboard_providers(folder: str = "/etc/misfire") -> dict[str, Any]:
    """Return the provider of the dashboards in ``folder``."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "misfire",
                "type": "file",
                "folder": "misfire",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "options": {"path": folder},
            }
        ],
    }
