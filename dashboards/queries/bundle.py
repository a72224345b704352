"""The bundle: does it still fit the traffic, and which one is in use?"""

from __future__ import annotations

from dashboards.queries.query import Query, query

__all__ = ["BUNDLE"]

# The shares of an evidence term's bins, now and in training.
_NOW = (
    "sum by (term, bin) (rate(misfire_evidence_total{$e, $b}[$s]))"
    " / on (term) group_left () (sum by (term) (rate(misfire_evidence_total{$e, $b}[$s])) > 0)"
)
_THEN = "avg by (term, bin) (misfire_evidence_expected_ratio{$e, $b})"

BUNDLE: tuple[Query, ...] = (
    query(
        "abstained_share",
        "sum by (risk_class, reason) (rate(misfire_abstentions_total{$e, $r}[$s]))"
        " / on (risk_class) group_left () "
        "(sum by (risk_class) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{risk_class}} {{reason}}",
        "Share of commands decided by the policy's rule because the judge abstained; lower is "
        "better.",
    ),
    query(
        "cautions",
        "sum by (risk_class, reason) (rate(misfire_cautions_total{$e, $r}[$s]))",
        "commands/s",
        "{{risk_class}} {{reason}}",
        "Commands confirmed on top of the budgets: unclassified intents, physical commands that "
        "are new in their household, and commands beyond a household's limit.",
    ),
    query(
        "misfire_probability",
        "sum by (le) (rate(misfire_probability_bucket{$e, $b, $r}[$s]))",
        "commands/s",
        "{{le}}",
        "Distribution of the misfire probabilities of commands.",
    ),
    query(
        "misfire_probability_p99",
        "histogram_quantile(0.99, sum by (risk_class, le) (rate(misfire_probability_bucket{$e, "
        "$b, $r}[$s])))",
        "share",
        "{{risk_class}}",
        "The 99th percentile of the misfire probability. A jump means different traffic or a bad "
        "bundle.",
    ),
    query(
        "surprisal",
        "sum by (le) (rate(misfire_chain_surprisal_bits_bucket{$e, $r}[$s]))",
        "commands/s",
        "{{le}}",
        "Distribution of the surprisal of committed chains, in bits; higher is rarer.",
    ),
    query(
        "surprisal_median",
        "histogram_quantile(0.5, sum by (risk_class, le) "
        "(rate(misfire_chain_surprisal_bits_bucket{$e, $r}[$s])))",
        "bits",
        "{{risk_class}}",
        "The median surprisal of committed chains, in bits; higher is rarer. A slow rise means "
        "that the bundle is ageing.",
    ),
    query(
        "drift",
        # The population stability index, as in detector.evidence.drift:
        # the sum of (now - then) * ln(now / then), with 1e-4 for empty bins.
        "topk(10, sum by (term) ("
        "(clamp_min(" + _NOW + ", 1e-4) - clamp_min(" + _THEN + ", 1e-4))"
        " * ln(clamp_min(" + _NOW + ", 1e-4) / clamp_min(" + _THEN + ", 1e-4))))",
        "index",
        "{{term}}",
        "Distance of each evidence term from the training data, for the ten most distant terms. "
        "Below 0.1 means no drift, above 0.25 drift.",
    ),
    query(
        "stopped_share_by_bundle",
        "sum by (bundle, enforcement) "
        '(rate(misfire_commands_total{$e, $b, $r, verdict!="allow"}[$s]))'
        " / (sum by (bundle, enforcement) (rate(misfire_commands_total{$e, $b, $r}[$s])) > 0)",
        "share",
        "{{bundle}} {{enforcement}}",
        "Share of commands that each bundle confirms or blocks, or would if its policy were "
        "enforced.",
    ),
    query(
        "shadow_stopped_share",
        'sum by (bundle) (rate(misfire_shadow_commands_total{$e, $r, verdict!="allow"}[$s]))'
        " / (sum by (bundle) (rate(misfire_shadow_commands_total{$e, $r}[$s])) > 0)",
        "share",
        "{{bundle}} in shadow",
        "Share of commands that the shadow bundle would confirm or block. A share far above the "
        "active bundle's means that it is not ready.",
    ),
    query(
        "shadow_differs",
        "sum by (active, verdict) (rate(misfire_shadow_commands_total{$e, $r}[$s])) > 0",
        "commands/s",
        "{{active}}, in shadow {{verdict}}",
        "Commands by the active verdict and the shadow bundle's verdict. They agree if both are "
        "the same.",
    ),
    query(
        "shadow_failures",
        "sum(rate(misfire_shadow_failures_total{$e}[$s]))",
        "commands/s",
        "failures",
        "Commands that a shadow bundle could not decide. Any is a bug, but no answer is affected.",
    ),
    query(
        "shadow_skipped",
        "sum(rate(misfire_shadow_skipped_total{$e}[$s]))",
        "commands/s",
        "skipped",
        "Commands that no shadow decided because the shadow bundles are too slow or just started.",
    ),
    query(
        "shadow_unpublished",
        "sum(rate(misfire_shadow_unpublished_total{$e}[$s]))",
        "commands/s",
        "not published",
        "Differing verdicts of shadow bundles that the desk does not show, because their tenant "
        "had too many or Kafka did not take them.",
    ),
    query(
        "bundle_refused",
        "sum(misfire_bundle_refused{$e})",
        "processes",
        "refused",
        "Processes that cannot use the announced bundle; the one before decides there.",
    ),
    query(
        "bundle_unfinished",
        "max(misfire_bundle_unfinished{$e})",
        "",
        "unfinished",
        "1 while an announced bundle has not been marked in every partition.",
    ),
    query(
        "bundle_swaps",
        "sum(increase(misfire_bundle_swaps_total{$e}[$s]))",
        "swaps",
        "swaps",
        "Changes of the bundle that decides, once for each partition.",
    ),
    query(
        "states_rebuilt",
        "sum by (result) (rate(misfire_states_rebuilt_total{$e}[$s]))",
        "households/s",
        "{{result}}",
        "Households whose open conversations were carried over to another bundle, or forgotten.",
    ),
    query(
        "bundles",
        "count by (version, policy) (misfire_bundle_info{$e, $v} == 1)",
        "processes",
        "{{version}} policy {{policy}}",
        "Processes by the bundle they use. More than one bundle for longer than a roll-out takes "
        "is bad.",
    ),
)
