"""``misfire decide``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.addresses import check_address
from streams.cli.options import Config, Json
from streams.cli.output import note, table, write_json
from streams.errors import DependencyUnavailable, UsageError
from streams.wire.addresses import HTTP


def decide(
    event: Annotated[
        str,
        typer.Argument(
            help="File with one event as JSON, or - for standard input.", metavar="EVENT.json"
        ),
    ],
    url: Annotated[str, typer.Option(help="URL of the gateway.")] = "http://127.0.0.1:8750",
    deadline_ms: Annotated[
        int, typer.Option(help="Deadline for the answer in milliseconds.", min=1, max=10_000)
    ] = 150,
    config: Config = None,
    json: Json = None,
) -> None:
    """Ask whether a command may run.

    Exit code 0: allow; 1: confirm or block; 2: invalid event; 3: unreadable file.

    For a gateway with tokens or TLS, set hook_token_file, hook_ca, hook_cert and hook_key. If the
    gateway does not answer, the packaged policy decides, and standard error says so.
    """
    from detector.contracts.decisions import Verdict
    from streams.errors import RecordError
    from streams.files.text import unmarked
    from streams.hook import Hook, RejectedEvent
    from streams.serving.access.listening import bearer_of, client_context
    from streams.settings import load
    from streams.wire.records import DECISION, INTENT

    check_address("--url", url, HTTP)
    settings = load(config).settings
    token, tls = bearer_of(settings), client_context(settings)
    try:
        parsed = INTENT.decode_strictly(unmarked(_read(event)).strip())
        with Hook(url, deadline_ms=deadline_ms, token=token, tls=tls) as hook:
            decision = hook.decide(parsed)
    except (RecordError, RejectedEvent, UnicodeDecodeError) as error:
        raise UsageError(f"{event} is not a valid event: {error}") from None
    table(
        f"{decision.effective_verdict}: {decision.intent}",
        ["figure", "value"],
        [
            ["verdict", decision.verdict.value],
            ["rung", decision.rung.value],
            ["risk class", decision.risk_class.value],
            *(
                [["misfire probability", f"{decision.misfire_probability:.4f}"]]
                if decision.misfire_probability
                else []
            ),
            *[["reason", reason.text] for reason in decision.reasons],
            *([["ask", decision.confirm.prompt]] if decision.confirm else []),
        ],
    )
    if decision.degraded:
        note("This is not the worker's verdict; it is from a lower rung.")
    write_json(json, DECISION.adapter.dump_python(decision, mode="json"))
    if decision.effective_verdict is not Verdict.ALLOW:
        raise typer.Exit(1)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise DependencyUnavailable(
            f"{name} cannot be read ({error.strerror}); give a file with one event, or -"
        ) from error
