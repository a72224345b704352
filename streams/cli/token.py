"""``misfire token``: who may ask the gateway."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json
from streams.cli.output import note, table, write_json

app = typer.Typer(
    help="Make, list and revoke the tokens that the gateway takes.", no_args_is_help=True
)

File = Annotated[
    Path,
    typer.Argument(
        help="The gateway's access file (setting access_file).", metavar="FILE", show_default=False
    ),
]


@app.command()
def new(
    file: File,
    tenant: Annotated[str, typer.Option(help="Whose token it is.", show_default=False)],
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it may do, repeated: decide (and report outcomes, hear late answers), confirm, operate (/metrics, show and erase "
            "households), export (households).",
            show_default=False,
        ),
    ],
    household_key: Annotated[
        str | None,
        typer.Option(
            help="With a tenant's first token: the id of its keyring's household key ('misfire keys new --household-key').",
            metavar="ID",
        ),
    ] = None,
    per_second: Annotated[
        int, typer.Option(help="Events that it may send a second.", min=1, max=1_000_000)
    ] = 100,
    tenant_per_second: Annotated[
        int | None,
        typer.Option(
            help="Events that all tokens of the tenant may send a second, together; the rate of the fastest of them if never given.",
            min=1,
            max=1_000_000,
            show_default=False,
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Draw a token and print it, once; the file keeps its hash. A gateway that runs takes it at once."""
    from streams.errors import UsageError
    from streams.files.keyring import KEY_ID
    from streams.serving.access.token_file import Scope, change_access, new_token, with_token

    unknown = sorted(set(scope) - set(Scope))
    if unknown:
        raise UsageError(f"--scope {unknown[0]} is not known; there are {', '.join(Scope)}")
    if not 1 <= len(tenant) <= 64:
        raise UsageError("--tenant is a name of 1 to 64 characters")
    if household_key is not None and not re.fullmatch(KEY_ID, household_key):
        raise UsageError(
            f"--household-key {household_key}: an id is up to 16 small letters and digits, a letter first"
        )
    token, kept = new_token(tenant, frozenset(map(Scope, scope)), per_second)
    change_access(
        file,
        lambda access: with_token(access, kept, household_key, tenant_per_second),
        made_here=True,
    )
    note(
        f"Token {kept.id} of {tenant} may {' and '.join(sorted(kept.scopes))}; it is shown this once:"
    )
    typer.echo(token)
    write_json(
        json,
        {"id": kept.id, "tenant": tenant, "scopes": sorted(kept.scopes), "per_second": per_second},
    )


@app.command(name="list")
def list_tokens(file: File, json: Json = None) -> None:
    """Show every token: whose it is and what it may do; never the token itself."""
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
    heads = ["id", "tenant", "household key", "may", "events a second"]
    table("tokens", heads, rows)
    write_json(json, [dict(zip(heads, row, strict=True)) for row in rows])


@app.command()
def revoke(
    file: File, token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id.")]
) -> None:
    """Take a token away; a gateway that runs refuses it from its next request on."""
    from streams.serving.access.token_file import change_access, revoked

    change_access(file, lambda access: revoked(access, token_id))
    note(f"{file}: token {token_id} is revoked.")
