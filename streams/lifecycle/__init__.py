"""The life of a model in an installation: labels, rules, and what else people decide about it."""
