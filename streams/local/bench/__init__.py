"""Benchmarks of latency, failures, attacks, speed and state size, run by ``misfire bench``."""
