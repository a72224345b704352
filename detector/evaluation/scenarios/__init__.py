"""Scenarios to measure a bundle on, such as changing households and attacks."""
