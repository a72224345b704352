"""Monitoring as code: dashboards, alerts and the configuration of the tools that use them."""
