"""Measures, curves and costs of decisions on labelled or unlabelled streams."""
