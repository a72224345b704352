"""Benchmarks of latency, failures, attacks, model speed and state size, run by ``misfire bench``."""
