"""The options of ``misfire rules``, and the rule that they describe."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from streams.cli.options import seconds_of

if TYPE_CHECKING:
    from detector.contracts.rules import Rule

__all__ = [
    "Act",
    "Class",
    "Device",
    "Does",
    "Household",
    "Intent",
    "Lasts",
    "Since",
    "Tenant",
    "lasting",
    "refused",
    "rule_of",
]

T = TypeVar("T")


class Does(StrEnum):
    """What a rule does, as a person types it."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    BLOCK = "block"
    SNOOZE = "snooze"
    CLASSIFY = "classify"


Act = Annotated[
    Does,
    typer.Argument(
        help="allow or snooze: let commands run that read or can be undone; confirm: ask at least; "
        "block; classify: give one intent a risk class."
    ),
]
Intent = Annotated[str, typer.Option(help="An intent, or a pattern with *.", metavar="PATTERN")]
Household = Annotated[
    str | None, typer.Option(help="The household's token.", show_default="every household")
]
Device = Annotated[str | None, typer.Option(help="The device.", show_default="every device")]
Tenant = Annotated[
    str, typer.Option(help="Id of a tenant's household key.", show_default="every tenant")
]
Lasts = Annotated[
    str | None,
    typer.Option(
        "--for",
        help="How long it applies: 90m, 12h or 30d. An allow needs it, up to 90d, and a snooze, up "
        "to 24h.",
        show_default=False,
    ),
]
Class = Annotated[
    str | None,
    typer.Option(
        "--class",
        help="Risk class of the intent: read_only, reversible, private_outbound, purchase or "
        "physical.",
        show_default=False,
    ),
]
Since = Annotated[str, typer.Option(help="Decisions to read: the last 7d, 12h or 90m.")]


def rule_of(
    act: Does,
    why: str,
    intent: str,
    household: str | None,
    device: str | None,
    tenant: str,
    seconds: float | None,
    risk_class: str | None,
    by: str | None,
) -> Rule:
    """Return a new rule.

    Raises:
        UsageError: a value is invalid.
    """
    from detector.contracts.decisions import RiskClass
    from detector.contracts.rules import RuleAct
    from streams.errors import UsageError
    from streams.lifecycle.rules import make_rule

    if risk_class is not None and risk_class not in set(RiskClass):
        raise UsageError(f"--class {risk_class}: choose {', '.join(RiskClass)}")
    return refused(
        lambda: make_rule(
            RuleAct(act.value),
            intent=intent,
            tenant=tenant,
            household_id=household,
            device_id=device,
            owner=by or getpass.getuser(),
            why=why,
            lasts=seconds,
            risk_class=None if risk_class is None else RiskClass(risk_class),
        )
    )


def lasting(lasts: str | None) -> float | None:
    """Return the seconds for which a rule applies."""
    return None if lasts is None else seconds_of("--for", lasts)


def refused(action: Callable[[], T]) -> T:
    """Run an action; a refused value is the caller's mistake."""
    from streams.errors import RecordError, UsageError

    try:
        return action()
    except RecordError as error:
        raise UsageError(str(error)) from None
