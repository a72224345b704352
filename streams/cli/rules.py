"""``misfire rules``: lists, adds, removes and tries out rules."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from streams.cli.options import Broker, By, Config, Embedded, Json, reachable_brokers
from streams.cli.output import note, write_json
from streams.cli.rules_options import (
    Act,
    Class,
    Device,
    Household,
    Intent,
    Lasts,
    Tenant,
    lasting,
    refused,
    rule_of,
)
from streams.cli.rules_tables import described, show_removed, show_rules
from streams.cli.rules_trial import try_out, unclassified

app = typer.Typer(
    help="Allow, confirm, block or classify commands, whatever the model says.",
    no_args_is_help=True,
)


@app.callback()
def rules() -> None:
    """Allow, confirm, block or classify commands, whatever the model says."""


@app.command("list")
def list_rules(
    removed: Annotated[
        bool,
        typer.Option("--removed", help="List also those that were removed: by whom, why and when."),
    ] = False,
    config: Config = None,
    broker: Broker = None,
    embedded: Embedded = None,
    json: Json = None,
) -> None:
    """List the rules, expired ones too."""
    from streams.embedded.kept_rules import rules_in_file
    from streams.lifecycle.rule_log import read_rules, removed_rules

    rules = (
        read_rules(reachable_brokers(config, broker)).rules
        if embedded is None
        else rules_in_file(embedded)
    )
    found = sorted(rules.values(), key=lambda rule: (rule.created, rule.rule_id))
    show_rules(found)
    gone = removed_rules(reachable_brokers(config, broker)) if removed and not embedded else []
    if removed:
        show_removed(gone)
    write_json(json, {"rules": found} | ({"removed": gone} if removed else {}))


@app.command()
def add(
    act: Act,
    why: Annotated[str, typer.Option(help="The reason, which is kept with the rule.")],
    intent: Intent = "*",
    household: Household = None,
    device: Device = None,
    tenant: Tenant = "",
    lasts: Lasts = None,
    risk_class: Class = None,
    by: By = None,
    config: Config = None,
    broker: Broker = None,
    embedded: Embedded = None,
    json: Json = None,
) -> None:
    """Add a rule; every worker and gateway applies it within seconds."""
    from streams.embedded.kept_rules import add_rule_in_file
    from streams.lifecycle.rules import add_rule

    rule = rule_of(act, why, intent, household, device, tenant, lasting(lasts), risk_class, by)
    if embedded is None:
        refused(lambda: add_rule(reachable_brokers(config, broker), rule))
    else:
        refused(lambda: add_rule_in_file(embedded, rule))
    note(f"added {described(rule)}")
    write_json(json, {"rule": rule})


@app.command()
def remove(
    rule: Annotated[
        str, typer.Argument(help="Id of the rule.", metavar="RULE", show_default=False)
    ],
    why: Annotated[str, typer.Option(help="The reason, which is kept for 90 days.")],
    by: By = None,
    config: Config = None,
    broker: Broker = None,
    embedded: Embedded = None,
    json: Json = None,
) -> None:
    """Remove a rule; every worker and gateway stops applying it within seconds."""
    from streams.embedded.kept_rules import remove_rule_in_file
    from streams.lifecycle.rules import remove_rule

    person = by or getpass.getuser()
    if embedded is None:
        brokers = reachable_brokers(config, broker)
        found = refused(lambda: remove_rule(brokers, rule, by=person, why=why))
    else:
        found = refused(lambda: remove_rule_in_file(embedded, rule, by=person, why=why))
    note(f"removed {described(found)}")
    write_json(json, {"removed": found})


app.command("dry-run")(try_out)
app.command()(unclassified)
