"""``misfire bundle``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.bundle_channels import channels, promote, rollback, show_meaning
from streams.cli.comparisons import show_disagreements
from streams.cli.options import Json, Seed, Stream
from streams.cli.output import note, progress_report, table, write_json
from streams.cli.training_report import show_report

if TYPE_CHECKING:
    from detector.evaluation.compare import Comparison

app = typer.Typer(
    no_args_is_help=True,
    help="Show, check, sign, verify and compare bundles; promote them and roll them back.",
)
app.command()(promote)
app.command()(rollback)
app.command()(channels)

Directory = Annotated[
    Path, typer.Argument(help="Directory of the bundle.", metavar="DIR", show_default=False)
]


@app.command()
def show(directory: Directory, json: Json = None) -> None:
    """Print what a bundle was trained on, its figures, and whether it is ready to enforce."""
    from streams.files.bundles import read_bundle

    bundle = read_bundle(directory)
    note(f"bundle {bundle.version} in {directory}, policy {bundle.policy.version}")
    show_report(bundle.report)
    write_json(
        json, {"bundle": bundle.version, "policy": bundle.policy.version} | asdict(bundle.report)
    )


@app.command()
def check(
    directory: Directory,
    against: Annotated[
        Path | None,
        typer.Option(help="The bundle in use: say what becomes of the households' states."),
    ] = None,
    json: Json = None,
) -> None:
    """Check that a worker, a gateway and an embedded hook would accept a bundle.

    Exit code 1 if it is not ready to enforce, 3 if it is damaged or of another format.
    """
    from detector.decision.carrying import differences
    from streams.files.bundles import read_bundle
    from streams.files.enforcing import why_unready

    bundle = read_bundle(directory)
    unready = why_unready(bundle) if bundle.is_unready else ""
    note(
        f"bundle {bundle.version} is not ready to enforce: {unready}"
        if unready
        else f"bundle {bundle.version} is sound and may decide"
    )
    for each in bundle.report.thin:
        note(f"thin calibration: {each}")
    thin = [str(each) for each in bundle.report.thin]
    found = {"bundle": bundle.version, "ok": not unready, "unready": unready, "thin": thin}
    if against is not None:
        meaning = differences(read_bundle(against), bundle)
        show_meaning(meaning)
        found["states"] = asdict(meaning)
    write_json(json, found)
    if unready:
        raise typer.Exit(1)


@app.command()
def sign(
    directory: Directory,
    key: Annotated[
        Path,
        typer.Option(
            help="Private ed25519 key, PEM; 'openssl genpkey -algorithm ed25519' writes one.",
            show_default=False,
        ),
    ],
) -> None:
    """Sign a bundle. Workers with bundle_public_key refuse bundles without their signature."""
    from streams.files.bundles import sign_bundle
    from streams.files.signing import SIGNATURE, read_private_key

    sign_bundle(directory, read_private_key(key))
    note(f"signed the bundle in {directory}; the signature is in {SIGNATURE}")


@app.command()
def verify(
    directory: Directory,
    public_key: Annotated[
        Path,
        typer.Option(
            help="Public ed25519 key, PEM; 'openssl pkey -pubout' writes it.", show_default=False
        ),
    ],
) -> None:
    """Verify the signature of a bundle and the hash of each of its files.

    Exit code 3 if the bundle is unsigned, altered, or signed with another key.
    """
    from streams.files.bundles import read_bundle
    from streams.files.signing import read_public_key

    bundle = read_bundle(directory, key=read_public_key(public_key))
    note(f"bundle {bundle.version} in {directory} is signed with this key and unaltered")


@app.command()
def compare(
    first: Annotated[
        Path, typer.Argument(help="The bundle in use.", metavar="FIRST", show_default=False)
    ],
    second: Annotated[
        Path, typer.Argument(help="The candidate.", metavar="SECOND", show_default=False)
    ],
    stream: Stream,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels of the stream's misfires; default: every command was meant."),
    ] = None,
    examples: Annotated[int, typer.Option(help="Disagreements to list.", min=0)] = 10,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Compare the decisions of two bundles on a stream, and their costs.

    Each bundle decides as if it were the active one. The intervals are 95 % bootstrap intervals
    over households.
    """
    from detector.evaluation.compare import compare as compared
    from streams.files.bundles import read_bundle
    from streams.files.events import read_events, read_labels

    misfires = None if labels is None else read_labels(labels).keys()
    bundles = read_bundle(first), read_bundle(second)
    events = read_events(stream)
    with progress_report() as report:
        found = compared(events, *bundles, misfires, examples=examples, seed=seed, progress=report)
    _show(found)
    write_json(json, asdict(found) | {"verdict": found.verdict})


def _show(found: Comparison) -> None:
    where = f"{found.commands:,} commands of {found.households:,} households"
    show_disagreements(found.versions, found.disagreements, found.examples, where)
    costs = [*zip(found.versions, found.costs, strict=True), ("difference", found.difference)]
    table(
        "cost per 1,000 commands in the first bundle's policy, with 95 % intervals"
        + ("" if found.misfires else "; every command counts as meant"),
        ["bundle", "cost", "from", "to"],
        [[name, f"{c.estimate:.2f}", f"{c.low:.2f}", f"{c.high:.2f}"] for name, c in costs],
    )
    note(found.verdict)
