"""Connections to Kafka, topics and their settings, access rights, and reading of topics."""
