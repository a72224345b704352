"""Monitoring as code: what to ask Prometheus about misfire, kept next to the code that exports it."""
