"""Simulated households and simulated misfires."""
