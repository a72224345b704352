"""The demonstration: a simulated population, a real broker, a real worker, a real gateway, and five stories."""
