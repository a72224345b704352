"""``misfire rules dry-run`` and ``misfire rules unclassified``: both read the latest decisions."""

from __future__ import annotations

import time

from streams.cli.options import Broker, Config, Json, reachable_brokers, seconds_of
from streams.cli.output import note, table, write_json
from streams.cli.rules_options import (
    Act,
    Class,
    Device,
    Household,
    Intent,
    Lasts,
    Since,
    Tenant,
    lasting,
    rule_of,
)
from streams.cli.rules_tables import note_incomplete, show_dry_run

__all__ = ["try_out", "unclassified"]


def try_out(
    act: Act,
    intent: Intent = "*",
    household: Household = None,
    device: Device = None,
    tenant: Tenant = "",
    lasts: Lasts = None,
    risk_class: Class = None,
    since: Since = "7d",
    config: Config = None,
    broker: Broker = None,
    json: Json = None,
) -> None:
    """Print what a rule would have changed in the latest decisions, without adding it."""
    from detector.contracts.rules import LONGEST, RuleAct
    from streams.files.policy import read_policy
    from streams.lifecycle.rules_dry_run import dry_run
    from streams.settings import load

    seconds = seconds_of("--since", since)
    # An act that must end needs no end to be tried out.
    longest = LONGEST.get(RuleAct(act.value))
    tried = longest.total_seconds() if lasts is None and longest else lasting(lasts)
    rule = rule_of(act, "a dry run", intent, household, device, tenant, tried, risk_class, None)
    policy = read_policy(load(config, broker=broker).settings.policy)
    found = dry_run(reachable_brokers(config, broker), rule, policy, since=time.time() - seconds)
    show_dry_run(found, since)
    write_json(json, found)


def unclassified(
    since: Since = "7d", config: Config = None, broker: Broker = None, json: Json = None
) -> None:
    """Count the commands of each intent that neither the policy nor a rule classifies."""
    from streams.lifecycle.rules_dry_run import unclassified_intents

    seconds = seconds_of("--since", since)
    found = unclassified_intents(
        reachable_brokers(config, broker), since=time.time() - seconds, ours=lambda _: True
    )
    table(
        f"unclassified intents in the last {since}",
        ["intent", "commands"],
        [[intent, f"{count:,}"] for intent, count in found.intents.items()],
    )
    if found.intents:
        note("'misfire rules add classify --intent INTENT --class CLASS --why TEXT' classifies one")
    note_incomplete(complete=found.complete)
    write_json(json, found)
