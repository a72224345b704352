"""Decision quality: budgets, calibration, drift, risk classes, shadow against active bundle."""

from __future__ import annotations

from dashboards.panels import DECISIONS, Board, Panel, Row

__all__ = ["QUALITY"]

QUALITY = Board(
    DECISIONS,
    "misfire: Decision quality",
    "Are the decisions right: budget, calibration, drift, risk classes, shadow against active?",
    (
        Row(
            "Are interruptions within the budget?",
            (
                Panel(
                    "Interruption rate as a multiple of the budget",
                    ("interruption_over_budget",),
                    "Around 1 or below.",
                    "Above 2 for an hour: misfires, drift or a wrong bundle. The next panels show "
                    "which.",
                    every="15m",
                    alert="MisfireInterruptionsOverBudget",
                    bad_from=2.0,
                ),
                Panel(
                    "Bounds on false interruptions",
                    ("interruption_share", "confirmed_share"),
                    "The true share of false interruptions lies between the two. Both are below "
                    "the budget.",
                    "If the confirmed share alone exceeds the budget, the bundle does not fit "
                    "this traffic: train a new one.",
                    every="15m",
                ),
                Panel(
                    "Judge abstained",
                    ("abstained_share",),
                    "Near zero in every class.",
                    "unknown_intent: the runtime has new intents; train a new bundle. "
                    "too_little_calibration: train on more households. judge_failed: the bundle "
                    "gives no valid numbers; restore the previous one.",
                    every="15m",
                ),
            ),
        ),
        Row(
            "What is confirmed on top of the budgets?",
            (
                Panel(
                    "Unclassified, new in its household, or too many",
                    ("cautions",),
                    "unclassified_intent and household_over_limit: none. first_physical_command: "
                    "a few for each new household, then almost none.",
                    "unclassified_intent: run 'misfire doctor' to list the intents, and name them "
                    "in the policy. first_physical_command for long: users deny the questions, or "
                    "a skill sends commands that the household does not use. household_over_limit: "
                    "an automation repeats commands, or several homes share an id.",
                    width=24,
                    alert="MisfireIntentsUnclassified",
                    every="15m",
                ),
            ),
        ),
        Row(
            "What does the judge estimate?",
            (
                Panel(
                    "Misfire probability",
                    ("misfire_probability",),
                    "A broad band far below 1 %, and a thin one near the top.",
                    "A band that moves up means drift or an attack.",
                    "heat",
                ),
                Panel(
                    "Misfire probability, 99th percentile",
                    ("misfire_probability_p99",),
                    "Steady in each class.",
                    "A jump with a new bundle: roll the bundle back. A jump without one: the "
                    "traffic has changed.",
                    every="5m",
                ),
                Panel(
                    "Surprisal of chains",
                    ("surprisal",),
                    "Steady. Rarer chains are higher.",
                    "A slow rise over weeks means that habits have changed: train a new bundle.",
                    "heat",
                ),
                Panel(
                    "Median surprisal of chains",
                    ("surprisal_median",),
                    "Between 2 and 10 bits, steady.",
                    "A slow rise in one risk class means that habits have changed there: train a "
                    "new bundle.",
                    width=12,
                    every="5m",
                ),
                Panel(
                    "Drift of evidence",
                    ("drift",),
                    "Below 0.1. Between 0.1 and 0.25, keep an eye on it.",
                    "Above 0.25 over hundreds of commands: check whether a channel is missing "
                    "(confidences) or habits have changed. With few commands, the value means "
                    "nothing.",
                    width=12,
                    every="15m",
                    bad_from=0.25,
                ),
            ),
        ),
        Row(
            "Which bundle decides, and what would another one do?",
            (
                Panel(
                    "Bundles in use",
                    ("bundles",),
                    "One version, in as many processes as you run; two during a canary.",
                    "If two remain without a canary, 'misfire doctor' says which process uses "
                    "which, and why.",
                    "stacked",
                    alert="MisfireBundlesDiffer",
                ),
                Panel(
                    "Processes that refuse the announced bundle",
                    ("bundle_refused",),
                    "0.",
                    "A process cannot read the announced bundle; its log says why.",
                    every="5m",
                    alert="MisfireBundleRefused",
                ),
                Panel(
                    "Unfinished announcement",
                    ("bundle_unfinished",),
                    "0.",
                    "1: announce the bundle again, or roll back; both finish it first.",
                    every="5m",
                    alert="MisfireBundleUnfinished",
                ),
                Panel(
                    "Swaps of the bundle",
                    ("bundle_swaps",),
                    "None, and one for each partition after a promotion or a rollback.",
                    "A swap without a known cause: 'misfire bundle channels' says who made it.",
                    every="5m",
                ),
                Panel(
                    "States carried over to another bundle",
                    ("states_rebuilt",),
                    "None, and the active households after a promotion or a rollback.",
                    "Forgotten: the bundle before could not be read, and open conversations began "
                    "anew. Keep a bundle's directory until its successor has decided for a day.",
                    every="5m",
                ),
                Panel(
                    "Unready bundles that decide",
                    ("bundle_unready",),
                    "0.",
                    "1: a rule without a model costs users less than this bundle. Roll back to the "
                    "previous one; 'misfire bundle show bundle' prints the costs.",
                    every="5m",
                    alert="MisfireBundleUnready",
                ),
                Panel(
                    "Shadow against active",
                    ("stopped_share_by_bundle", "shadow_stopped_share"),
                    "The shadow bundle is near the active one. Without a shadow_bundle, only the "
                    "active one is shown.",
                    "A shadow bundle that stops far more commands is not ready. The desk's queue "
                    "and 'misfire decisions shadows' list the commands.",
                    every="15m",
                ),
                Panel(
                    "Active and shadow, by verdict",
                    ("shadow_differs",),
                    "Nearly always the same verdict twice.",
                    "Active allow, shadow confirm or block: what the shadow bundle would cost "
                    "users. The reverse: what it would let through.",
                    every="15m",
                ),
                Panel(
                    "Shadow failures",
                    ("shadow_failures", "shadow_skipped", "shadow_unpublished"),
                    "None.",
                    "Failures: the shadow bundle does not fit this version, so train it again. "
                    "Skipped: its process is too slow or just started. Not published: too many "
                    "differ, or misfire.shadows is missing. Answers are not affected.",
                    width=12,
                    every="15m",
                    bad_from=1e-9,
                ),
                Panel(
                    "Late decisions and disagreements",
                    ("late", "late_disagreements", "late_dropped"),
                    "Few late, almost none different, none dropped.",
                    "Run 'misfire decisions late' to list them: the gateway's verdict was "
                    "applied. Dropped: a listener is too slow.",
                    width=12,
                ),
                Panel(
                    "Block budget left",
                    ("block_budget_left",),
                    "Above 80 %.",
                    "If it falls towards 0, too much is blocked: compare with the previous bundle.",
                    width=12,
                    alert="MisfireBlockBudgetSpent",
                    bad_from=0.2,
                    bad_below=True,
                ),
                Panel(
                    "Workers that have exhausted their block budget",
                    ("block_budget_spent",),
                    "None.",
                    "These workers confirm instead of blocking: follow the runbook.",
                    width=12,
                    alert="MisfireBlockBudgetSpent",
                    bad_from=0.5,
                ),
            ),
        ),
    ),
)
