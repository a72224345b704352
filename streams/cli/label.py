"""``misfire label``."""

from __future__ import annotations

import getpass
from enum import StrEnum
from typing import Annotated

import typer

from streams.cli.options import Broker, By, Config, Embedded, Json, reachable_brokers
from streams.cli.output import note, write_json


class Said(StrEnum):
    """What a label says, as a person types it."""

    MEANT = "meant"
    MISFIRE = "misfire"
    WITHDRAW = "withdraw"


#: What each effect means to the person who gave the label.
_EFFECTS = {
    "taught": "the household has learned the command",
    "unlearned": "the household no longer counts the command",
    "not_learned": "the household will not learn the command",
    "restored": "the household is as it was without the earlier label",
    "unchanged": "this agrees with what the household did, and changes nothing",
    "day_full": "the household has had all its lessons of the day; only training uses the label",
    "forgotten": "the household no longer remembers the command; only training uses the label",
    "not_a_command": "the event does not commit, so there is nothing to learn",
}


def label(
    event: Annotated[
        str, typer.Argument(help="Id of the event.", metavar="EVENT", show_default=False)
    ],
    said: Annotated[
        Said, typer.Argument(help="What it was; withdraw takes a label back.", metavar="LABEL")
    ],
    why: Annotated[
        str,
        typer.Option(help="The reason, kept with the label; quote nothing that was spoken."),
    ],
    household: Annotated[
        str | None,
        typer.Option(
            help="The household's token. Without it, the whole log of decisions is read.",
            show_default=False,
        ),
    ] = None,
    by: By = None,
    config: Config = None,
    broker: Broker = None,
    embedded: Embedded = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the worker.", min=0)] = 10.0,
    json: Json = None,
) -> None:
    """Say whether a command was meant; the household and the next training learn from it.

    The latest label of an event counts, and outranks its outcomes. A label lets no command run.
    Exit code 1 if no worker has applied the label yet.
    """
    from detector.contracts.labels import LabelKind
    from streams.embedded.labels import label_in_file
    from streams.errors import RecordError, UsageError
    from streams.lifecycle.labels import label_event

    kind = LabelKind.WITHDRAWN if said is Said.WITHDRAW else LabelKind(said.value)
    person = by or getpass.getuser()
    try:
        if embedded is not None:
            applied = label_in_file(
                embedded, event, kind, why=why, by=person, household_id=household
            )
        else:
            applied = label_event(
                reachable_brokers(config, broker),
                event,
                kind,
                why=why,
                by=person,
                household_id=household,
                wait=wait,
            ).label
    except RecordError as error:
        raise UsageError(str(error)) from None
    said_so = f"{event} of {applied.household_id}: {said}"
    if applied.effect is None:
        note(f"{said_so}. The label is in the log; the next worker applies it.")
    else:
        note(f"{said_so}; {_EFFECTS[applied.effect.value]}.")
    write_json(json, applied)
    if applied.effect is None:
        raise typer.Exit(1)
