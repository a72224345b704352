"""Connections to Kafka, its topics and rights, retention, and reading a log."""
