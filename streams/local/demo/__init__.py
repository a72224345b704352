"""The demo: five stories, played on a simulated population by a real broker, worker and gateway."""
