"""``misfire runtimes``: connect assistant runtimes to misfire, and check the connection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.addresses import check_target
from streams.cli.options import Json
from streams.cli.output import note, table, write_json
from streams.cli.runtimes_bridge import app as bridge_app
from streams.cli.runtimes_days import days, month
from streams.cli.runtimes_play import play

if TYPE_CHECKING:
    from streams.runtimes.contract import Promise, Runtime, ScriptedHook

app = typer.Typer(
    help="Connect an assistant runtime to misfire, and check that it obeys decisions.",
    no_args_is_help=True,
)


app.add_typer(bridge_app, name="bridge")
app.command()(month)
app.command()(play)
app.command()(days)


@app.callback()
def runtimes() -> None:
    """Connect an assistant runtime to misfire, and check that it obeys decisions."""


@app.command()
def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="python:MODULE with a function runtime(hook), or the URL of a runtime that serves "
            "POST /say and POST /answer.",
            show_default=False,
        ),
    ],
    gateway_port: Annotated[
        int,
        typer.Option(
            help="Port on loopback of the stand-in gateway that a runtime with a URL must ask.",
            min=1,
            max=65_535,
        ),
    ] = 8751,
    time: Annotated[
        int,
        typer.Option(
            help="Also time this many commands with the embedded hook, beside the same without it "
            "(a function unguarded() in the module).",
            min=0,
            max=1_000_000,
        ),
    ] = 0,
    json: Json = None,
) -> None:
    """Check that a runtime obeys decisions: run the contract test of adapters.

    A scripted hook answers the runtime, so no model and no broker are needed. Exit code 1 if a
    promise is broken.
    """
    from streams.runtimes.contract import PROMISES
    from streams.runtimes.contract.targets import opened

    check_target(target)
    with opened(target, gateway_port) as fresh:
        broken = {promise.__name__: _why_broken(promise, *fresh()) for promise in PROMISES}
    table(
        target,
        ["promise", "kept", "why not"],
        [[_sentence(each), *_kept(broken[each.__name__])] for each in PROMISES],
    )
    count = sum(why is not None for why in broken.values())
    note(f"{len(PROMISES) - count} of {len(PROMISES)} promises are kept")
    found = {"target": target, "broken": {name: why for name, why in broken.items() if why}}
    write_json(json, found | (_timed(target, time) if time else {}))
    if count:
        raise typer.Exit(1)


def _timed(target: str, times: int) -> dict[str, object]:
    """Time a runtime with the embedded hook and the starter bundle, and without a hook."""
    import tempfile
    from dataclasses import asdict
    from datetime import UTC, datetime
    from pathlib import Path

    from streams.files.keyring import new_keyring
    from streams.hook import EmbeddedHook, Tokens
    from streams.runtimes.contract.targets import factory_of, unguarded_of
    from streams.runtimes.contract.timing import time_of

    guarded, unguarded = factory_of(target), unguarded_of(target)
    tokens = Tokens(new_keyring("home", datetime.now(UTC)))
    with (
        tempfile.TemporaryDirectory(prefix="misfire-") as folder,
        EmbeddedHook(Path(folder) / "home.sqlite", tokens=tokens) as hook,
    ):
        with_it, without = time_of(guarded(hook), unguarded(), times)
    table(
        f"{times:,} commands with the embedded hook, and as many without it",
        ["milliseconds", "with", "without", "added"],
        [
            [name, f"{found:.2f}", f"{bare:.2f}", f"{found - bare:.2f}"]
            for name, found, bare in (
                ("median", with_it.median, without.median),
                ("99th percentile", with_it.p99, without.p99),
            )
        ],
    )
    return {"with": asdict(with_it), "without": asdict(without)}


def _why_broken(promise: Promise, runtime: Runtime, hook: ScriptedHook) -> str | None:
    """Return a sentence that says how a promise is broken; ``None`` if it is kept."""
    from streams.errors import DependencyUnavailable
    from streams.runtimes.contract import Broken

    try:
        promise(runtime, hook)
    except Broken as error:
        return str(error)
    except DependencyUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the runtime's own code
        return f"the runtime raised {type(error).__name__}: {error}"
    return None


def _kept(why: str | None) -> list[str]:
    return ["yes", ""] if why is None else ["no", why]


def _sentence(promise: Promise) -> str:
    """Return the first line of a promise's docstring."""
    return (promise.__doc__ or promise.__name__).partition("\n")[0]


@app.command(name="install")
def install_runtime(
    runtime: Annotated[str, typer.Argument(help="The runtime: home-assistant.")],
    config: Annotated[
        Path | None, typer.Option(help="Configuration directory of the runtime to install into.")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Write an archive for HACS to this file instead.")
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option(
            help="With --archive: the address of the GitHub repository that publishes it.",
            metavar="URL",
        ),
    ] = None,
) -> None:
    """Install or upgrade an adapter that runs in the assistant's own process."""
    from streams.errors import UsageError
    from streams.runtimes.home_assistant.install import install, pack

    if runtime != "home-assistant":
        raise UsageError(f"there is no adapter to install for {runtime!r}; choose home-assistant")
    if (archive is None) != (repository is None):
        raise UsageError("pass --archive and --repository together")
    if archive is not None and repository is not None:
        pack(archive, repository)
        note(f"wrote {archive}")
    elif config is not None:
        note(
            f"installed {install(config)}; restart Home Assistant, then add the integration "
            "misfire in Settings > Devices & services"
        )
    else:
        raise UsageError("pass --config with the configuration directory, or --archive")
