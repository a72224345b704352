"""``misfire token``: manages the tokens with which clients authenticate to the gateway."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json
from streams.cli.output import note, table, write_json

app = typer.Typer(help="Create, list and revoke tokens for the gateway.", no_args_is_help=True)

File = Annotated[
    Path,
    typer.Argument(
        help="The gateway's access file (setting access_file).", metavar="FILE", show_default=False
    ),
]


@app.command()
def new(
    file: File,
    tenant: Annotated[str, typer.Option(help="Tenant of the token.", show_default=False)],
    scope: Annotated[
        list[str],
        typer.Option(
            help="Scope of the token; can be repeated: decide (also report outcomes and receive "
            "late answers), confirm, operate (/metrics, show and erase households), export "
            "(households).",
            show_default=False,
        ),
    ],
    household_key: Annotated[
        str | None,
        typer.Option(
            help="For a tenant's first token: the id of its household key ('misfire keys new "
            "--household-key').",
            metavar="ID",
        ),
    ] = None,
    per_second: Annotated[
        int, typer.Option(help="Events per second that the token may send.", min=1, max=1_000_000)
    ] = 100,
    tenant_per_second: Annotated[
        int | None,
        typer.Option(
            help="Events per second that all tokens of the tenant may send together; default: the "
            "highest rate among them.",
            min=1,
            max=1_000_000,
            show_default=False,
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Create a token and print it once.

    The file stores its hash only. A running gateway accepts the token immediately.
    """
    from streams.errors import UsageError
    from streams.files.keyring import KEY_ID
    from streams.serving.access.token_file import Scope, change_access, new_token, with_token

    unknown = sorted(set(scope) - set(Scope))
    if unknown:
        raise UsageError(f"--scope {unknown[0]} is unknown; choose from {', '.join(Scope)}")
    if not 1 <= len(tenant) <= 64:
        raise UsageError("--tenant must have 1 to 64 characters")
    if household_key is not None and not re.fullmatch(KEY_ID, household_key):
        raise UsageError(
            f"--household-key {household_key}: use up to 16 lower-case letters and digits, "
            "starting with a letter"
        )
    token, kept = new_token(tenant, frozenset(map(Scope, scope)), per_second)
    change_access(
        file,
        lambda access: with_token(access, kept, household_key, tenant_per_second),
        made_here=True,
    )
    note(
        f"Token {kept.id} of {tenant} may {' and '.join(sorted(kept.scopes))}. "
        "It is not shown again:"
    )
    typer.echo(token)
    write_json(
        json,
        {"id": kept.id, "tenant": tenant, "scopes": sorted(kept.scopes), "per_second": per_second},
    )


@app.command(name="list")
def list_tokens(file: File, json: Json = None) -> None:
    """List the tokens with their tenants and scopes, without the tokens themselves."""
    from streams.serving.access.token_file import read_access

    access = read_access(file)
    rows = [
        [
            token.id,
            token.tenant,
            access.tenants[token.tenant],
            ", ".join(sorted(token.scopes)),
            str(token.per_second),
        ]
        for token in access.tokens
    ]
    names = ["id", "tenant", "household key", "may", "events a second"]
    table("tokens", names, rows)
    write_json(json, [dict(zip(names, row, strict=True)) for row in rows])


@app.command()
def revoke(
    file: File, token_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the token.")]
) -> None:
    """Revoke a token. A running gateway rejects it from the next request on."""
    from streams.serving.access.token_file import change_access, revoked

    change_access(file, lambda access: revoked(access, token_id))
    note(f"{file}: token {token_id} is revoked.")
