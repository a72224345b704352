"""Requests to the workers through Kafka, and their replies by correlation id."""
