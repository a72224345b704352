"""Households in aggregate: new ones against all others."""

from __future__ import annotations

from dashboards.panels import Board, Panel, Row

__all__ = ["HOUSEHOLDS"]

HOUSEHOLDS = Board(
    "misfire-households",
    "misfire: Household cohort",
    "Households in aggregate: new ones against all others. No panel shows a single household.",
    (
        Row(
            "Are new households served as well as others?",
            (
                Panel(
                    "Commands by cohort",
                    ("cohort_commands",),
                    "New households are few, unless many have just started.",
                    "If there are only new ones, states were lost: see the households below.",
                    "stacked",
                    12,
                ),
                Panel(
                    "Interruptions by cohort",
                    ("cohort_interruptions",),
                    "Both within the budget; new households slightly above the others.",
                    "If new households are far above, the calibration lacks new households: train "
                    "on streams that start with them.",
                    width=12,
                    every="15m",
                ),
            ),
        ),
        Row(
            "What is stored?",
            (
                Panel(
                    "Households",
                    ("households",),
                    "Grows slowly.",
                    "If it falls without erasures, a partition has no worker, or its changelog "
                    "was lost.",
                ),
                Panel(
                    "Mean state size of a household",
                    ("bytes_per_household",),
                    "A few kilobytes, steady: a state is bounded.",
                    "If it keeps growing, report a bug.",
                ),
                Panel(
                    "Erased households",
                    ("households_erased",),
                    "As many as were requested.",
                    "If there are more, find out who requests them.",
                    every="15m",
                ),
                Panel(
                    "Refused exports",
                    ("exports_refused",),
                    "None.",
                    "A record names another household. This is a privacy incident: find the "
                    "sender first.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
                Panel(
                    "Records from before an erasure",
                    ("after_erasure",),
                    "A few right after an erasure.",
                    "If they continue, a runtime keeps sending old records.",
                    width=12,
                    every="15m",
                ),
                Panel(
                    "Sessions not learned from",
                    ("untaught",),
                    "Almost none: no home has so many sessions in one day.",
                    "Something floods a household to make a rare command usual. Run 'misfire "
                    "decisions tail' to see the household and the commands.",
                    width=12,
                    every="15m",
                ),
                Panel(
                    "Open sessions dropped",
                    ("dropped_sessions",),
                    "None: a home has a handful of devices, each in one conversation at a time.",
                    "Several homes share one household id, which then learns little: give each "
                    "home, or each room of a hotel, its own id. Or a runtime starts a session for "
                    "each utterance.",
                    width=12,
                    every="15m",
                    alert="MisfireSessionsDropped",
                ),
                Panel(
                    "Commands beyond a household's limit",
                    ("over_limit",),
                    "None: the busiest hour of a simulated home has 17 commands, the limit is 120.",
                    "An automation repeats a command, or several homes share one household id: "
                    "give each home, or each room of a hotel, its own id.",
                    width=12,
                    every="15m",
                ),
                Panel(
                    "Truncated households",
                    ("states_cut",),
                    "None: the bounds of a state keep every household small enough.",
                    "A state was too large for the changelog. This is a bug: report it with the "
                    "log line.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
            ),
        ),
    ),
)
