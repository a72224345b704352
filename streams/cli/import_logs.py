"""``misfire import``: makes a stream of what a home said to another system, from its log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.importing import Import
from streams.cli.options import Json
from streams.errors import UsageError

app = typer.Typer(
    help="Make a stream of what a home said, from another system's log.\n\n"
    "\b\n"
    "    misfire import alexa history.json --output home.jsonl.gz\n"
    "    misfire scan home.jsonl.gz\n\n"
    "Texts become intents, and names and values become tokens: nothing that was said is written. "
    "The key of the tokens is kept beside the output, readable by its owner only.",
    no_args_is_help=True,
)

Log = Annotated[Path, typer.Argument(metavar="LOG", show_default=False)]
Output = Annotated[
    Path,
    typer.Option(
        help="File to write the stream to; .gz compresses it.", metavar="FILE", show_default=False
    ),
]
Keys = Annotated[
    Path | None,
    typer.Option(
        help="Keyring that makes the tokens; it is made if it does not exist. Use the same one for "
        "all logs of a home. Default: beside the output, NAME.keys.json.",
        metavar="FILE",
    ),
]
Household = Annotated[
    str, typer.Option(help="Name of the home; it becomes a token.", metavar="NAME")
]
Silence = Annotated[
    float,
    typer.Option(help="Seconds of silence that end a device's session.", min=1, max=86_400),
]
TimeZone = Annotated[
    str,
    typer.Option(
        help="Zone of times that name none, such as Europe/Lisbon; it knows when clocks change.",
        metavar="ZONE",
    ),
]
Language = Annotated[
    str,
    typer.Option(help="Language of the texts. Only English has rules beyond the home's devices."),
]
Force = Annotated[
    bool, typer.Option("--force", help="Overwrite the stream and its labels; never the key.")
]


@app.command()
def homeassistant(
    log: Log,
    output: Output,
    trigger: Annotated[
        list[str] | None,
        typer.Option(
            help="What triggered the commands to import: voice, person (app and dashboards), "
            "automation or system; can be repeated. Default: voice and person."
        ),
    ] = None,
    keys: Keys = None,
    household: Household = "home",
    silence: Silence = 600.0,
    language: Language = "en",
    force: Force = False,
    json: Json = None,
) -> None:
    """Import a Home Assistant recorder database, which is opened read-only and may be in use.

    \b
        misfire import homeassistant home-assistant_v2.db --output home.jsonl.gz
    """  # noqa: D301 - \b keeps the lines of the example apart
    from streams.files.importers.homeassistant import TRIGGERS, read_homeassistant

    wanted = trigger or ["voice", "person"]
    if unknown := sorted(set(wanted) - set(TRIGGERS)):
        raise UsageError(f"--trigger {unknown[0]}: choose from {', '.join(TRIGGERS)}")
    Import(output, keys, household, silence, language, force=force).run(
        "home-assistant",
        lambda times, advance: read_homeassistant(log, times, advance, wanted),
        json,
    )


@app.command()
def alexa(
    log: Log,
    output: Output,
    keys: Keys = None,
    household: Household = "home",
    silence: Silence = 600.0,
    language: Language = "en",
    force: Force = False,
    json: Json = None,
) -> None:
    """Import Alexa's voice history, the JSON with customerHistoryRecords.

    Commands that Alexa discarded as not directed at a device are labelled, beside the output.

    \b
        misfire import alexa history.json --output home.jsonl.gz
        misfire evaluate --stream home.jsonl.gz --labels home.labels.jsonl --bundle bundle
    """  # noqa: D301
    from streams.files.importers.alexa import read_alexa

    Import(output, keys, household, silence, language, force=force, labels=True).run(
        "alexa", lambda times, advance: read_alexa(log, times, advance), json
    )


@app.command()
def takeout(
    log: Log,
    output: Output,
    said: Annotated[
        str, typer.Option(help="Beginning of a title, before what was said.", metavar="WORDS")
    ] = "Said ",
    keys: Keys = None,
    household: Household = "home",
    silence: Silence = 600.0,
    timezone: TimeZone = "UTC",
    language: Language = "en",
    force: Force = False,
    json: Json = None,
) -> None:
    """Import Google Assistant's activity: Takeout's archive, or its MyActivity.json.

    Choose My Activity, only Assistant, and the format JSON in Takeout.

    \b
        misfire import takeout takeout-20260105.zip --output home.jsonl.gz
        misfire import takeout MyActivity.json --said "Gesagt: " --language de --output home.jsonl
    """  # noqa: D301
    from streams.files.importers.takeout import read_takeout

    Import(output, keys, household, silence, language, timezone, force=force).run(
        "google-assistant", lambda times, advance: read_takeout(log, times, advance, said), json
    )


@app.command(name="csv")
def table(
    log: Log,
    output: Output,
    columns: Annotated[
        list[str],
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="Field of a column; can be repeated. Fields: time, text, intent, device, "
            "household, speaker, session, key, label, asr_confidence, slot.NAME.",
            show_default=False,
        ),
    ],
    time_format: Annotated[
        str | None,
        typer.Option(
            help="Format of the times, as in strptime; default: ISO 8601, or seconds or "
            "milliseconds since 1970."
        ),
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help="Separator of the columns; default: what the first line has.")
    ] = None,
    keys: Keys = None,
    household: Household = "home",
    silence: Silence = 600.0,
    timezone: TimeZone = "UTC",
    language: Language = "en",
    force: Force = False,
    json: Json = None,
) -> None:
    """Import a table. Its first line has the names of the columns.

    \b
        misfire import csv log.csv --map when=time --map spoken=text --map room=device \\
            --timezone Europe/Lisbon --output home.jsonl.gz
    """  # noqa: D301
    from streams.files.importers.table import column_map, read_table

    fields = column_map(columns)
    if separator is not None and len(separator) != 1:
        raise UsageError("--separator must be one character")
    Import(
        output,
        keys,
        household,
        silence,
        language,
        timezone,
        time_format,
        force=force,
        labels="label" in fields,
    ).run("csv", lambda times, advance: read_table(log, fields, times, separator, advance), json)
