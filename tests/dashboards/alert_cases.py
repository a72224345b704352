"""For each alert, the series with which it fires and the series with which it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["CASES", "Case", "promtool_tests", "silenced_by"]

#: A counter's growth per minute; a gauge's value, or its value and growth per minute; None for a
#: series that does not exist.
Value = float | tuple[float, float] | None


@dataclass(frozen=True)
class Case:
    """One way in which an alert fires.

    Attributes:
        series: for each series its bad value, with which the alert fires, and its good value.
        fires: minutes of bad values until the alert fires.
        resolves: minutes of good values until the alert has resolved.
        before: minutes of good values before the first bad one.
    """

    series: Mapping[str, tuple[Value, Value]]
    fires: int = 15
    resolves: int = 30
    before: int = 0


_DAY = 86_400
_WORKER, _GATEWAY = (
    'up{job="misfire-worker",instance="w1"}',
    'up{job="misfire-gateway",instance="g1"}',
)
_ANSWERS = 'misfire_hook_answers_total{rung="worker"}'
_DEGRADED = 'misfire_hook_answers_total{rung="gateway"}'
_LATE = 'misfire_hook_missed_deadlines_total{rung="worker"}'
_ALLOWED = 'misfire_commands_total{verdict="allow",risk_class="purchase"}'
_BLOCKED = 'misfire_commands_total{verdict="block",risk_class="purchase"}'


CASES: Mapping[str, tuple[Case, ...]] = {
    # Kafka is up if one part still reaches it.
    "BrokerGone": (
        Case(
            {
                'misfire_broker_reachable{instance="w1"}': (0, 0),
                'misfire_broker_reachable{instance="g1"}': (0, 1),
            }
        ),
    ),
    "NoWorkerReady": (
        Case({'misfire_ready{instance="w1"}': (0, 0), 'misfire_ready{instance="w2"}': (None, 1)}),
        # A worker without its broker is BrokerGone, not this alert.
        Case(
            {
                'misfire_ready{instance="w1"}': (0, 0),
                'misfire_broker_reachable{job="misfire-worker",instance="w1"}': (1, 0),
            }
        ),
    ),
    "WorkerMissing": (
        Case({'misfire_ready{instance="w1"}': (1, 1), 'misfire_ready{instance="w2"}': (0, 1)}),
    ),
    "GatewayGone": (Case({_GATEWAY: (None, 1), _WORKER: (1, 1)}),),
    "RecoverySlow": (Case({'misfire_ready{instance="w1"}': (0, 1), _WORKER: (1, 1)}),),
    # 2 % late answers are twenty times the budget; 0.05 % are half of it.
    "DeadlineBurnsFast": (Case({_ANSWERS: (1000, 1000), _LATE: (20, 0.5)}),),
    "DeadlineBurnsSlowly": (
        Case({_ANSWERS: (1000, 1000), _LATE: (4, 0.5)}, fires=60, resolves=400),
    ),
    "FirstRungBurnsFast": (Case({_ANSWERS: (750, 999), _DEGRADED: (250, 1)}),),
    "FirstRungBurnsSlowly": (
        Case({_ANSWERS: (960, 999), _DEGRADED: (40, 1)}, fires=60, resolves=400),
    ),
    # A backlog that does not grow is being processed.
    "LagGrows": (Case({'misfire_consumer_lag_records{partition="0"}': ((0, 40), (600, -20))}),),
    "DeadLetters": (
        Case(
            {
                'misfire_dead_letters_total{reason="schema"}': (1, 0),
                'misfire_dead_letters_total{reason="not_json"}': (0, 0),
            }
        ),
    ),
    "TopicCreatedAgain": (
        Case(
            {
                'misfire_earlier_topic_total{topic="assistant.intents"}': (1, 0),
                'misfire_earlier_topic_total{topic="assistant.outcomes"}': (0, 0),
            },
            resolves=120,
        ),
    ),
    "AuditNotWritable": (
        Case({"misfire_unwritten_seconds": (12, 1), "misfire_broker_reachable": (1, 1)}),
        # Without a broker nothing can be written; that is BrokerGone, not this alert.
        Case({"misfire_unwritten_seconds": (12, 12), "misfire_broker_reachable": (1, 0)}),
    ),
    "ClockSkew": (
        Case({"misfire_clocks_replaced_total": (2, 0), "misfire_events_total": (100, 100)}),
        Case({'misfire_watermark_timestamp_seconds{partition="0"}': (_DAY, 0)}),
    ),
    "BundleMissing": (
        Case(
            {
                _GATEWAY: (1, 1),
                'misfire_bundle_info{instance="g1",version="a",policy="p"}': (None, 1),
            }
        ),
    ),
    "BundleUnready": (Case({'misfire_bundle_unready{version="a"}': (1, 0)}, fires=30),),
    "BundleStale": (
        Case(
            {'misfire_bundle_created_timestamp_seconds{version="a"}': (-31 * _DAY, -29 * _DAY)},
            fires=90,
        ),
    ),
    "BundlesDiffer": (
        Case(
            {
                'misfire_bundle_info{instance="w1",version="a",policy="p"}': (1, 1),
                'misfire_bundle_info{instance="w2",version="b",policy="p"}': (1, None),
                'misfire_bundle_info{instance="w2",version="a",policy="p"}': (None, 1),
            },
            fires=30,
        ),
    ),
    "BundleRefused": (Case({'misfire_bundle_refused{instance="w1"}': (1, 0)}, fires=5),),
    "BundleUnfinished": (Case({'misfire_bundle_unfinished{instance="w1"}': (1, 0)}, fires=10),),
    # The budget is 1 %: 5 % exceed it, 1 % do not.
    "InterruptionsOverBudget": (
        Case(
            {
                _ALLOWED: (95, 99),
                _BLOCKED: (5, 1),
                'misfire_interruption_budget_ratio{risk_class="purchase"}': (0.01, 0.01),
            },
            fires=60,
            resolves=600,
        ),
        # Cautions do not count against the budget.
        Case(
            {
                _ALLOWED: (90, 90),
                _BLOCKED: (10, 10),
                'misfire_cautions_total{risk_class="purchase",reason="unclassified_intent"}': (
                    0,
                    10,
                ),
                'misfire_interruption_budget_ratio{risk_class="purchase"}': (0.01, 0.01),
            },
            fires=60,
            resolves=600,
        ),
    ),
    # A dozen commands within an hour, then none.
    "IntentsUnclassified": (
        Case(
            {
                'misfire_cautions_total{risk_class="physical",reason="unclassified_intent"}': (
                    1,
                    0,
                ),
                'misfire_cautions_total{risk_class="physical",reason="first_physical_command"}': (
                    1,
                    1,
                ),
            },
            fires=30,
            resolves=120,
        ),
    ),
    # A runtime that ignores its verdicts for half an hour.
    "RanRefused": (
        Case(
            {
                'misfire_outcomes_refused_total{reason="ran_refused"}': (1, 0),
                'misfire_outcomes_refused_total{reason="unchecked_confirmation"}': (1, 1),
            },
            fires=30,
            resolves=120,
        ),
    ),
    # 5 % of the events drop a conversation; 0.5 % are half of the threshold.
    "SessionsDropped": (
        Case({"misfire_sessions_dropped_total": (5, 0.5), "misfire_events_total": (100, 100)}),
    ),
    "BlockBudgetSpent": (
        Case(
            {
                'misfire_block_budget_spent{instance="w1"}': (1, 0),
                'misfire_block_budget_spent{instance="w2"}': (0, 0),
            }
        ),
    ),
    "StoppedFarAboveNormal": (
        Case({_ALLOWED: (60, 99), _BLOCKED: (40, 2)}, before=600, resolves=60),
    ),
    "ConfirmationsDenied": (
        Case(
            {
                'misfire_confirmations_total{result="denied"}': (3, 1),
                'misfire_confirmations_total{result="confirmed"}': (1, 3),
            },
            fires=30,
            resolves=120,
        ),
    ),
}


def promtool_tests(title: str, case: Case, rules: str) -> dict[str, Any]:
    """Return a file for ``promtool test rules``: the alert fires, stays silent, and resolves."""
    firing = f'count(ALERTS{{alertname="{title}",alertstate="firing"}})'
    ever = f'count(count_over_time(ALERTS{{alertname="{title}",alertstate="firing"}}[30d]))'
    fired = case.before + case.fires
    end = fired + case.resolves
    return {
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [
            _test(f"{title} fires", _series(case, case.fires, 0), (firing, fired, 1)),
            _test(
                f"{title} stays silent",
                _series(case, 0, case.fires + case.resolves),
                (ever, end, 0),
            ),
            _test(
                f"{title} resolves",
                _series(case, case.fires, case.resolves),
                (firing, fired, 1),
                (firing, end, 0),
            ),
        ],
    }


def silenced_by(
    title: str, case: Case, cause: str, memories: Sequence[float], rules: str
) -> dict[str, Any]:
    """Return a file for ``promtool test rules``: a cause silences the alert for a while.

    The bad values begin together with the cause and outlast it. The alert stays silent while the
    cause fires, and fires later. ``memories`` are the minutes for which the alert's conditions may
    still hold after an outage has ended.
    """
    firing = f'count(ALERTS{{alertname="{title}",alertstate="firing"}})'
    over, silent, fires = (
        case.fires,
        case.fires + int(min(memories)),
        2 * case.fires + int(max(memories)),
    )
    explained = {
        "series": f'ALERTS{{alertname="{cause}",alertstate="firing",severity="page"}}',
        "values": f"1x{over}",
    }
    test = _test(
        f"{title} is silent about what {cause} explains",
        [explained, *_series(case, fires, 0)],
        (firing, over, 0),
        (firing, silent, 0),
        (firing, fires, 1),
    )
    return {"rule_files": [rules], "evaluation_interval": "1m", "tests": [test]}


def _series(case: Case, bad_minutes: int, good_minutes: int) -> list[dict[str, str]]:
    """Return each series in promtool's notation: good values, bad values, good values again."""
    return [
        {
            "series": name,
            "values": _sequence(
                name,
                [
                    (good, case.before),
                    (bad, bad_minutes + (bad_minutes > 0)),
                    (good, good_minutes),
                ],
            ),
        }
        for name, (bad, good) in case.series.items()
    ]


def _sequence(name: str, parts: list[tuple[Value, int]]) -> str:
    """Return values in promtool's notation: ``a+bxn`` is a and n more values in steps of b."""
    counter = name.partition("{")[0].endswith("_total")
    total, words = 0.0, []
    for value, minutes in ((value, minutes) for value, minutes in parts if minutes):
        if value is None:
            words.append(f"_x{minutes}")
        elif isinstance(value, tuple):
            words.append(f"{value[0]:g}{value[1]:+g}x{minutes - 1}")
        elif counter:
            words.append(f"{total:g}+{value:g}x{minutes - 1}")
            total += value * minutes
        else:
            words.append(f"{value:g}+0x{minutes - 1}")
    return " ".join(words)


def _test(name: str, series: list[dict[str, str]], *wanted: tuple[str, int, int]) -> dict[str, Any]:
    return {
        "name": name,
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": count}] if count else [],
            }
            for expr, minute, count in wanted
        ],
    }
