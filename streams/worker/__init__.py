"""The worker: the Faust app, its agents, the household table and its changelog."""
