"""Every alert, in one list. The runbook has a section for each, and ``tests/dashboards/alert_cases.py`` a case for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dashboards.conditions import Condition, unexplained
from dashboards.config import Config
from dashboards.slo import FAST, SLOW, burning

__all__ = ["ALERTS", "Alert"]

#: What to look at, given how long windows are: one expression, or conditions of which one is enough.
Look = Callable[[Config], str | tuple[Condition, ...]]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        name: without the ``Misfire`` in front.
        severity: ``page`` wakes somebody, ``ticket`` is looked at in working hours.
        summary: what is the case, in one sentence; may use Prometheus's templates.
        felt: what users feel of it.
        look: what holds while it is the case.
        lasting: how long it has to hold.
        follows: alerts, further up in the list, that explain this one: while one of them fires, and for as long afterwards as this one
            still sees what is over, it is silent.
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
        """What Prometheus calls it."""
        return f"Misfire{self.name}"

    def conditions(self, config: Config) -> tuple[Condition, ...]:
        """What it looks at; one of them is enough."""
        seen = self.look(config)
        return (Condition(seen),) if isinstance(seen, str) else seen

    def expr(self, config: Config) -> str:
        """The expression that Prometheus evaluates."""
        return unexplained(
            self.conditions(config), [f"Misfire{cause}" for cause in self.follows], config
        )


def _grew(counter: str, window: str) -> str:
    """By how much a counter grew, where it did; a new one has grown from zero, which ``increase`` does not see."""
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
    # What is asked about whatever the judge says is on top of the budgets.
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


def _stopped(config: Config) -> str:
    lately, usually = (
        f'sum(rate(misfire_commands_total{{verdict!="allow"}}[{window}])) / sum(rate(misfire_commands_total[{window}]))'
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
    return f"max(misfire_watermark_timestamp_seconds) - time() > 5\nor {replaced} / {events} > 0.01"


def _none_up(part: str) -> Look:
    return lambda _: f'(sum(up{{job="misfire-{part}"}}) or vector(0)) == 0'


ALERTS: tuple[Alert, ...] = (
    # Is it there?
    Alert(
        "BrokerGone",
        "page",
        "No part of misfire reaches Kafka.",
        "Commands still get an answer in time, from the gateway's own rung: it does not know what a household usually does, so it asks "
        "more often about what is usual there. Nothing that was asked is lost while the gateways live.",
        lambda _: "max(misfire_broker_reachable) == 0",
        "30s",
    ),
    Alert(
        "NoWorkerReady",
        "page",
        "No worker decides: none has its partitions, its table and a broker.",
        "Commands still get an answer in time, from the gateway's own rung, without the household's history.",
        # Workers that live and have lost their broker say so in the same breath: then it is for BrokerGone to tell, which waits for
        # the gateways to notice as well.
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
        "Only {{ $value }} of the workers that should decide are ready.",
        "Nothing yet: the others decide for it. One more that goes may leave too few to keep up.",
        lambda config: f"(sum(misfire_ready) or vector(0)) < {config.least_workers}",
        "5m",
        ("BrokerGone", "NoWorkerReady"),
    ),
    Alert(
        "GatewayGone",
        "page",
        "No gateway can be reached.",
        "Every command gets the fallback of its risk class, from the client's own copy of the policy: what is risky is asked about or "
        "refused, however usual it is.",
        _none_up("gateway"),
        "30s",
    ),
    Alert(
        "RecoverySlow",
        "ticket",
        "{{ $labels.instance }} runs, and has not been ready for longer than a recovery takes.",
        "While no other worker has its partitions, their households' commands are answered by the gateway's own rung.",
        lambda _: 'misfire_ready == 0 and on (instance) up{job="misfire-worker"} == 1',
        "2m",
        ("BrokerGone",),
    ),
    # Does the hook answer in time, and from the first rung?
    Alert(
        "DeadlineBurnsFast",
        "page",
        "So many answers come after their deadline that the month's budget is gone within days.",
        "Commands wait longer than the assistant waits; it then runs or refuses them by its own fallback.",
        lambda config: burning(config.slo("deadline"), FAST),
    ),
    Alert(
        "DeadlineBurnsSlowly",
        "ticket",
        "More answers come after their deadline than the month's budget allows.",
        "Now and then a command is run or refused by the assistant's own fallback.",
        lambda config: burning(config.slo("deadline"), SLOW),
        follows=("DeadlineBurnsFast",),
    ),
    Alert(
        "FirstRungBurnsFast",
        "page",
        "So many answers are not the worker's that the month's budget is gone within days.",
        "Commands are answered in time, but without the household's history: more questions about what is usual, and misfires that "
        "only the history would give away go through.",
        lambda config: burning(config.slo("first_rung"), FAST),
        follows=("BrokerGone", "NoWorkerReady"),
    ),
    Alert(
        "FirstRungBurnsSlowly",
        "ticket",
        "More answers are not the worker's than the month's budget allows.",
        "Now and then a command is answered without the household's history.",
        lambda config: burning(config.slo("first_rung"), SLOW),
        follows=("BrokerGone", "NoWorkerReady", "FirstRungBurnsFast"),
    ),
    # Is anything lost, refused or stuck?
    Alert(
        "LagGrows",
        "page",
        "{{ $value | humanize }} records wait for the workers, and they get more.",
        "Decisions come too late for the hook: commands are answered by the gateway's own rung.",
        lambda config: (
            Condition(
                f"sum(misfire_consumer_lag_records) > 100\nand sum(deriv(misfire_consumer_lag_records[{config.window('5m')}])) > 0",
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
        "What they asked about got the gateway's answer; none of it is in a household's history.",
        _unreadable,
    ),
    Alert(
        "TopicCreatedAgain",
        "ticket",
        "{{ $labels.topic }} was deleted and created again.",
        "What waited in it was not decided, and erasures in it were not applied. What comes now is decided, nothing is skipped.",
        _created_again,
    ),
    Alert(
        "AuditNotWritable",
        "page",
        "Decisions cannot be written to assistant.decisions.",
        "Commands are answered for now. Within half a minute the worker ends, because it must not decide what it cannot account for.",
        # A broker that is gone is for BrokerGone to tell, which waits longer.
        lambda config: (
            f"max(misfire_unwritten_seconds) > {max(config.seconds('10s'), 2.0):g}\nunless on () max(misfire_broker_reachable) == 0"
        ),
        follows=("BrokerGone",),
    ),
    Alert(
        "ClockSkew",
        "ticket",
        "Clocks differ: those of many devices from the broker's, or the broker's from ours.",
        "Hardly anybody: the broker's time stands in, and its hours are learned instead of the devices'.",
        _skewed,
    ),
    # Is the right bundle there?
    Alert(
        "BundleMissing",
        "page",
        "{{ $labels.instance }} runs without a bundle.",
        "When a worker does not answer in time, commands get the fallback of their risk class instead of the gateway's own decision.",
        lambda _: 'up{job=~"misfire-.*"} == 1 unless on (instance) misfire_bundle_info',
        "1m",
    ),
    Alert(
        "BundleStale",
        "ticket",
        "The newest bundle is {{ $value | humanizeDuration }} old.",
        "Slowly more questions about what has become usual since it was trained.",
        lambda config: (
            f"time() - max(misfire_bundle_created_timestamp_seconds) > {config.seconds(f'{config.bundle_days}d'):.0f}"
        ),
        "15m",
    ),
    Alert(
        "BundlesDiffer",
        "ticket",
        "{{ $value }} different bundles decide.",
        "The same command is answered one way or another, depending on who decides.",
        lambda _: "count(count by (version, policy) (misfire_bundle_info)) > 1",
        "15m",
    ),
    # Does it stop what it should, and only that?
    Alert(
        "InterruptionsOverBudget",
        "ticket",
        "{{ $value | humanizePercentage }} of the commands of the class {{ $labels.risk_class }} are interrupted: twice the budget.",
        "People are asked about, or refused, what they meant.",
        _interrupted,
        "30m",
    ),
    Alert(
        "IntentsUnclassified",
        "ticket",
        "{{ $value | humanize }} commands within an hour had an intent that no rule of the policy names.",
        "People are asked about each of these commands, for as long as nobody says what they can do.",
        _unclassified,
        "5m",
    ),
    Alert(
        "RanRefused",
        "ticket",
        "{{ $value | humanize }} commands ran within an hour although they were not allowed.",
        "People whose assistant carries out what it should have asked about or left alone. Nothing is learned from it.",
        _ran_refused,
        "1m",
    ),
    Alert(
        "BlockBudgetSpent",
        "page",
        "A worker blocks so much that its blocks have become questions.",
        "People are asked about a large part of what they say; what should be blocked is only asked about.",
        lambda _: "max(misfire_block_budget_spent) == 1",
    ),
    Alert(
        "StoppedFarAboveNormal",
        "page",
        "{{ $value | humanizePercentage }} of the commands are stopped: five times as many as usual.",
        "Either misfires are kept from them (somebody plays commands to many devices, or a microphone or wake word model broke), or "
        "they are refused what they meant (a wrong bundle).",
        _stopped,
        "5m",
    ),
    Alert(
        "ConfirmationsDenied",
        "ticket",
        "{{ $value | humanizePercentage }} of those who answer say that they did not mean it.",
        "They are asked about commands that nobody meant: something sets off their assistants.",
        _denied,
        "15m",
    ),
)
