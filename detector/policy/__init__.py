"""Costs, budgets and risk classes: what a mistake costs and which verdict costs least."""
