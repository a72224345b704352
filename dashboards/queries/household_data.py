"""Household data: erasures, refused exports, records of another household."""

from __future__ import annotations

from dashboards.queries.query import Query, query

__all__ = ["HOUSEHOLD_DATA"]

HOUSEHOLD_DATA: tuple[Query, ...] = (
    query(
        "exports_refused",
        "sum(rate(misfire_exports_refused_total{$e}[$s]))",
        "exports/s",
        "refused",
        "Exports refused because a record also names another household. Any is an incident.",
    ),
    query(
        "households_erased",
        "sum(rate(misfire_households_erased_total{$e}[$s]))",
        "households/s",
        "erased",
        "Households whose state was erased.",
    ),
    query(
        "after_erasure",
        "sum by (topic) (rate(misfire_after_erasure_total{$e}[$s]))",
        "records/s",
        "{{topic}}",
        "Records that date from before their household's erasure and were ignored. If they "
        "continue, a runtime keeps sending them.",
    ),
    query(
        "untaught",
        "sum(rate(misfire_sessions_untaught_total{$e}[$s]))",
        "sessions/s",
        "not learned from",
        "Sessions above the daily number that a household learns from. A flood, by a skill or a "
        "loop, shows here.",
    ),
    query(
        "dropped_sessions",
        "sum(rate(misfire_sessions_dropped_total{$e}[$s]))",
        "sessions/s",
        "dropped",
        "Open sessions that were dropped because their household had more than eight. It did not "
        "learn from them.",
    ),
    query(
        "over_limit",
        "sum by (risk_class) (rate(misfire_commands_over_limit_total{$e}[$s]))",
        "commands/s",
        "{{risk_class}}",
        "Commands of households that give more in an hour than one home does. They are marked "
        "household_over_limit, and confirmed if they may do harm.",
    ),
    query(
        "states_cut",
        "sum(rate(misfire_states_cut_total{$e}[$s]))",
        "households/s",
        "cut",
        "Households whose state was too large for the changelog, so its open sessions and "
        "questions were dropped. Any is a bug.",
    ),
    query(
        "block_budget_left",
        "min by (instance) (misfire_block_budget_left_ratio{$e})",
        "share",
        "{{instance}}",
        "The rest of each worker's block budget. At 0 its blocks become confirms: the bundle is "
        "wrong, or there is an attack.",
    ),
    query(
        "block_budget_spent",
        "sum(misfire_block_budget_spent{$e})",
        "workers",
        "spent",
        "Workers that confirm instead of blocking because a block budget is exhausted; normally "
        "none.",
    ),
    query(
        "bundle_age",
        "time() - max by (version) (misfire_bundle_created_timestamp_seconds{$e, $v})",
        "seconds",
        "{{version}}",
        "Time since the bundle was trained. Habits change within months.",
    ),
    query(
        "bundle_unready",
        "max by (version) (misfire_bundle_unready{$e, $v})",
        "",
        "{{version}}",
        "1 while a bundle that is not ready to enforce decides because allow_unready is set.",
    ),
)
