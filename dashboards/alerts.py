"""All alerts, in one list.

Each alert has a section in ``runbook.md`` and a case in ``tests/dashboards/alert_cases.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dashboards.conditions import Condition, unexplained
from dashboards.config import Config
from dashboards.slo import FAST, SLOW, burning

__all__ = ["ALERTS", "Alert"]

#: The expression of an alert for a configuration, or several conditions joined by *or*.
Look = Callable[[Config], str | tuple[Condition, ...]]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        name: its name without the prefix ``Misfire``.
        severity: ``page`` needs action now, ``ticket`` can wait until working hours.
        summary: what is wrong, in one sentence; may use Prometheus's templates.
        felt: the effect on users.
        look: the condition, as PromQL.
        lasting: how long the condition must hold before the alert fires.
        follows: alerts earlier in the list that explain this one. This alert is silent while one
            of them fires, and afterwards until its own windows no longer include the outage.
    """

    name: str
    severity: Literal["page", "ticket"]
    summary: str
    felt: str
    look: Look
    lasting: str = "0s"
    follows: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name of the alert in Prometheus."""
        return f"Misfire{self.name}"

    def conditions(self, config: Config) -> tuple[Condition, ...]:
        """Return the conditions; the alert fires if one of them holds."""
        found = self.look(config)
        return (Condition(found),) if isinstance(found, str) else found

    def expr(self, config: Config) -> str:
        """Return the expression that Prometheus evaluates."""
        return unexplained(
            self.conditions(config), [f"Misfire{cause}" for cause in self.follows], config
        )


def _grew(counter: str, window: str) -> str:
    """Return how much a counter grew, for the series that grew.

    A new series has grown from zero, which ``increase`` does not see.
    """
    return (
        f"(increase({counter}[{window}]) > 0 or ({counter} unless {counter} offset {window}) > 0)"
    )


def _unreadable(config: Config) -> str:
    return f"sum by (reason) {_grew('misfire_dead_letters_total', config.window('15m'))}"


def _created_again(config: Config) -> str:
    return f"sum by (topic) {_grew('misfire_earlier_topic_total', config.window('1h'))}"


def _interrupted(config: Config) -> str:
    stopped, all_of_them = (
        f"sum by (risk_class) (increase(misfire_commands_total{which}[{config.window('6h')}]))"
        for which in ('{verdict!="allow"}', "")
    )
    # Cautions are confirmed whatever the judge says, so they do not count against the budgets.
    cautions = f"sum by (risk_class) (increase(misfire_cautions_total[{config.window('6h')}]))"
    judged = f"({stopped} - ({cautions} or 0 * {stopped}))"
    budget = "2 * max by (risk_class) (misfire_interruption_budget_ratio)"
    return f"{judged} / {all_of_them} > {budget}\nand {judged} > 10"


def _unclassified(config: Config) -> str:
    which = 'misfire_cautions_total{reason="unclassified_intent"}'
    return f"sum(increase({which}[{config.window('1h')}])) > 10"


def _ran_refused(config: Config) -> str:
    which = 'misfire_outcomes_refused_total{reason="ran_refused"}'
    return f"sum(increase({which}[{config.window('1h')}])) > 3"


def _dropped(config: Config) -> str:
    dropped, events = (
        f"sum(increase({each}[{config.window('15m')}]))"
        for each in ("misfire_sessions_dropped_total", "misfire_events_total")
    )
    # One hotel among many homes is no fault of the installation; the dashboard shows it.
    return f"{dropped} / {events} > 0.01\nand {dropped} > 20"


def _stopped(config: Config) -> str:
    lately, usually = (
        f'sum(rate(misfire_commands_total{{verdict!="allow"}}[{window}]))'
        f" / sum(rate(misfire_commands_total[{window}]))"
        for window in (config.window("15m"), config.window("1d"))
    )
    count = f'sum(increase(misfire_commands_total{{verdict!="allow"}}[{config.window("15m")}]))'
    return f"{lately} > 5 * {usually}\nand {count} > 20"


def _denied(config: Config) -> str:
    denied, all_of_them = (
        f"sum(increase(misfire_confirmations_total{{{which}}}[{config.window('1h')}]))"
        for which in ('result="denied"', 'result=~"confirmed|denied"')
    )
    return f"{denied} / {all_of_them} > 0.5\nand {denied} > 10"


def _skewed(config: Config) -> str:
    window = config.window("15m")
    replaced, events = (
        f"sum(increase({each}[{window}]))"
        for each in ("misfire_clocks_replaced_total", "misfire_events_total")
    )
    ahead = "max(misfire_watermark_timestamp_seconds) - time() > 5"
    return f"{ahead}\nor {replaced} / {events} > 0.01"


def _none_up(part: str) -> Look:
    return lambda _: f'(sum(up{{job="misfire-{part}"}}) or vector(0)) == 0'


ALERTS: tuple[Alert, ...] = (
    # Is every part running?
    Alert(
        "BrokerGone",
        "page",
        "No part of misfire reaches Kafka.",
        "Commands are answered in time by the gateway's own rung. Without the household's history "
        "it confirms more usual commands. While the gateways run, they buffer the events and none "
        "is lost.",
        lambda _: "max(misfire_broker_reachable) == 0",
        "30s",
    ),
    Alert(
        "NoWorkerReady",
        "page",
        "No worker is ready: none has its partitions, its table and a broker.",
        "Commands are answered in time by the gateway's own rung, without the household's history.",
        # Workers that have lost their broker report it at the same time as not being ready. That
        # is BrokerGone, which fires once the gateways have noticed too.
        lambda _: (
            "(sum(misfire_ready) or vector(0)) == 0\n"
            'unless on () max(misfire_broker_reachable{job="misfire-worker"}) == 0'
        ),
        "30s",
        ("BrokerGone",),
    ),
    Alert(
        "WorkerMissing",
        "ticket",
        "Only {{ $value }} of the required workers are ready.",
        "Nothing yet: the other workers have taken over. If another one stops, the rest may not "
        "keep up.",
        lambda config: f"(sum(misfire_ready) or vector(0)) < {config.least_workers}",
        "5m",
        ("BrokerGone", "NoWorkerReady"),
    ),
    Alert(
        "GatewayGone",
        "page",
        "Prometheus reaches no gateway.",
        "Clients apply the fallback of each command's risk class, from their own copy of the "
        "policy. Risky commands are confirmed or blocked, even usual ones.",
        _none_up("gateway"),
        "30s",
    ),
    Alert(
        "RecoverySlow",
        "ticket",
        "{{ $labels.instance }} has been running without becoming ready for longer than a "
        "recovery takes.",
        "If no other worker has its partitions, the gateway's own rung answers their households' "
        "commands.",
        lambda _: 'misfire_ready == 0 and on (instance) up{job="misfire-worker"} == 1',
        "2m",
        ("BrokerGone",),
    ),
    # Does the hook answer in time, and from the worker?
    Alert(
        "DeadlineBurnsFast",
        "page",
        "Too many answers miss their deadline: the month's error budget is spent within days.",
        "Commands take longer than the assistant waits. It then applies its own fallback.",
        lambda config: burning(config.slo("deadline"), FAST),
    ),
    Alert(
        "DeadlineBurnsSlowly",
        "ticket",
        "More answers miss their deadline than the month's error budget allows.",
        "Occasionally an assistant applies its own fallback to a command.",
        lambda config: burning(config.slo("deadline"), SLOW),
        follows=("DeadlineBurnsFast",),
    ),
    Alert(
        "FirstRungBurnsFast",
        "page",
        "Too many answers do not come from a worker: the month's error budget is spent within "
        "days.",
        "Commands are answered in time but without the household's history: more usual commands "
        "are confirmed, and misfires that only the history reveals go through.",
        lambda config: burning(config.slo("first_rung"), FAST),
        follows=("BrokerGone", "NoWorkerReady"),
    ),
    Alert(
        "FirstRungBurnsSlowly",
        "ticket",
        "More answers do not come from a worker than the month's error budget allows.",
        "Occasionally a command is answered without the household's history.",
        lambda config: burning(config.slo("first_rung"), SLOW),
        follows=("BrokerGone", "NoWorkerReady", "FirstRungBurnsFast"),
    ),
    # Is anything lost, rejected or stuck?
    Alert(
        "LagGrows",
        "page",
        "{{ $value | humanize }} records wait for the workers, and the number grows.",
        "Decisions come too late for the hook. The gateway's own rung answers the commands.",
        lambda config: (
            Condition(
                "sum(misfire_consumer_lag_records) > 100\n"
                f"and sum(deriv(misfire_consumer_lag_records[{config.window('5m')}])) > 0",
                "5m",
            ),
        ),
        "2m",
        ("BrokerGone", "NoWorkerReady"),
    ),
    Alert(
        "DeadLetters",
        "ticket",
        "Records could not be read: {{ $labels.reason }}.",
        "The gateway's own rung answered these commands. The household's history does not contain "
        "them.",
        _unreadable,
    ),
    Alert(
        "TopicCreatedAgain",
        "ticket",
        "{{ $labels.topic }} was deleted and created again.",
        "Events that waited in the topic were not decided, and erasures in it were not applied. "
        "New records are processed and none is skipped.",
        _created_again,
    ),
    Alert(
        "AuditNotWritable",
        "page",
        "Decisions cannot be written to assistant.decisions.",
        "Commands are still answered. Within 30 seconds the worker exits, because it must not "
        "decide without an audit record.",
        # A broker that is down is reported by BrokerGone, which waits longer.
        lambda config: (
            f"max(misfire_unwritten_seconds) > {max(config.seconds('10s'), 2.0):g}\n"
            "unless on () max(misfire_broker_reachable) == 0"
        ),
        follows=("BrokerGone",),
    ),
    Alert(
        "ClockSkew",
        "ticket",
        "Clocks differ: many devices from the broker, or the broker from Prometheus.",
        "Almost nothing: the broker's time is used instead, and the hours of habits are learned "
        "from it.",
        _skewed,
    ),
    # Is the right bundle in use?
    Alert(
        "BundleMissing",
        "page",
        "{{ $labels.instance }} runs without a bundle.",
        "If a worker does not answer in time, commands get the fallback of their risk class "
        "instead of the gateway's own decision.",
        lambda _: 'up{job=~"misfire-.*"} == 1 unless on (instance) misfire_bundle_info',
        "1m",
    ),
    Alert(
        "BundleUnready",
        "ticket",
        "Bundle {{ $labels.version }} decides, but is not ready to enforce.",
        "On simulated misfires its decisions cost users more than always allowing, or than asking "
        "about every harmful command.",
        lambda _: "max by (version) (misfire_bundle_unready) == 1",
        "15m",
    ),
    Alert(
        "BundleStale",
        "ticket",
        "The newest bundle is {{ $value | humanizeDuration }} old.",
        "Habits change, so questions about commands that users meant slowly become more frequent.",
        lambda config: (
            "time() - max(misfire_bundle_created_timestamp_seconds)"
            f" > {config.seconds(f'{config.bundle_days}d'):.0f}"
        ),
        "15m",
    ),
    Alert(
        "BundlesDiffer",
        "ticket",
        "{{ $value }} different bundles are in use.",
        "The same command gets different verdicts, depending on the process that decides.",
        # During a canary every process uses two bundles, all of them the same two.
        lambda _: (
            "count(count by (version, policy) (misfire_bundle_info == 1)) > 1"
            " and on () min(count by (version, policy) (misfire_bundle_info == 1))"
            " < on () count(count by (instance) (misfire_bundle_info == 1))"
        ),
        "15m",
    ),
    Alert(
        "BundleRefused",
        "ticket",
        "The announced bundle cannot be used at {{ $labels.instance }}.",
        "The bundle before still decides there, so the same command gets different verdicts, "
        "depending on the process that decides.",
        lambda _: "max by (instance) (misfire_bundle_refused) == 1",
        "1m",
    ),
    Alert(
        "BundleUnfinished",
        "ticket",
        "An announced bundle is not marked in every partition.",
        "Some households may be decided by the announced bundle, and others by the one before.",
        lambda _: "max(misfire_bundle_unfinished) == 1",
        "5m",
    ),
    # Does it stop what it should, and only that?
    Alert(
        "InterruptionsOverBudget",
        "ticket",
        "{{ $value | humanizePercentage }} of the commands of the class {{ $labels.risk_class }} "
        "are confirmed or blocked: twice the budget.",
        "Commands are confirmed or blocked although users meant them.",
        _interrupted,
        "30m",
    ),
    Alert(
        "IntentsUnclassified",
        "ticket",
        "{{ $value | humanize }} commands within an hour had an intent that no rule of the policy "
        "names.",
        "Each of these commands is confirmed or blocked until the policy classifies its intent.",
        _unclassified,
        "5m",
    ),
    Alert(
        "RanRefused",
        "ticket",
        "{{ $value | humanize }} commands ran within an hour although they were not allowed.",
        "Assistants carry out commands that they should have confirmed or blocked. misfire does "
        "not learn from them.",
        _ran_refused,
        "1m",
    ),
    Alert(
        "SessionsDropped",
        "ticket",
        "With {{ $value | humanizePercentage }} of the events, a worker dropped an open "
        "conversation, because its household had more than eight.",
        "misfire does not learn from these conversations, so it asks about commands that are usual "
        "for the household.",
        _dropped,
    ),
    Alert(
        "BlockBudgetSpent",
        "page",
        "A worker has exhausted a block budget and confirms instead of blocking.",
        "A large part of the commands is confirmed, including those that should be blocked.",
        lambda _: "max(misfire_block_budget_spent) == 1",
    ),
    Alert(
        "StoppedFarAboveNormal",
        "page",
        "{{ $value | humanizePercentage }} of the commands are confirmed or blocked: five times "
        "the normal share.",
        "Either misfires are stopped (something plays commands to many devices, or a microphone "
        "or wake word model is broken), or commands that users meant are stopped (a wrong bundle).",
        _stopped,
        "5m",
    ),
    Alert(
        "ConfirmationsDenied",
        "ticket",
        "{{ $value | humanizePercentage }} of the answered questions are denied.",
        "Users are asked about commands that they did not mean: something triggers their "
        "assistants.",
        _denied,
        "15m",
    ),
)
