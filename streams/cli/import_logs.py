"""``misfire import``: makes a stream of what a home said to another system, from its log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Json
from streams.cli.output import note, progress_report, write_json
from streams.errors import UsageError

if TYPE_CHECKING:
    from detector.progress import Progress
    from streams.files.importers.records import Advance, Found
    from streams.files.importers.tally import Tally
    from streams.files.importers.times import Times
    from streams.files.keyring import Keyring

    Read = Callable[[Times, Advance], Iterator[Found]]

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
    _Import(output, keys, household, silence, language, force=force).run(
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

    _Import(output, keys, household, silence, language, force=force, labels=True).run(
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

    _Import(output, keys, household, silence, language, timezone, force=force).run(
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
    _Import(
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


class _Import:
    """One import: its files, and how it reads times and texts.

    Raises:
        UsageError: the output exists, or an option is invalid.
    """

    def __init__(
        self,
        output: Path,
        keys: Path | None,
        household: str,
        silence: float,
        language: str,
        timezone: str = "UTC",
        time_format: str | None = None,
        *,
        force: bool,
        labels: bool = False,
    ) -> None:
        from streams.files.importers.times import Times, zone_of

        self._output, name = output, _stem(output)
        self._keys = keys or output.with_name(f"{name}.keys.json")
        self._labels = output.with_name(f"{name}.labels.jsonl") if labels else None
        self._household, self._language = household, language
        self._silence = timedelta(seconds=silence)
        self._times = Times(zone_of(timezone), time_format)
        there = [path for path in (output, self._labels) if path is not None and path.is_file()]
        if there and not force:
            raise UsageError(
                f"{' and '.join(map(str, there))} already exists; overwrite with --force, or choose"
                " another file"
            )

    def run(self, runtime: str, read: Read, json: str | None) -> None:
        """Read a log, write the stream, and print what was found.

        Raises:
            DependencyUnavailable: a file does not exist or cannot be written.
            UsageError: the log or the keyring is invalid.
        """
        from streams.files.events import write_events, write_labels
        from streams.files.importers.converting import convert
        from streams.files.importers.ordering import Sorted
        from streams.files.importers.tally import Tally
        from streams.files.understanding import Understanding
        from streams.hook.tokenizing import Tokens

        tally = Tally()
        keyring, is_new = self._keyring()
        with progress_report() as report:
            events = convert(
                read(self._times, _in_steps(report, "reading")),
                Understanding(self._language),
                Tokens(keyring),
                tally,
                household=self._household,
                runtime=runtime,
            )
            with closing(Sorted(events, self._silence, tally)) as found:
                if found.count:
                    if is_new:
                        self._keep(keyring)
                    written = _in_steps(report, "writing")
                    write_events(
                        self._output,
                        (
                            event
                            for number, event in enumerate(found.events(), 1)
                            if written(number, found.count) is None
                        ),
                    )
                    if self._labels:
                        write_labels(self._labels, found.labels())
        self._tell(tally)
        write_json(json, asdict(tally))
        if not tally.events:
            raise typer.Exit(1)

    def _keyring(self) -> tuple[Keyring, bool]:
        """Return the keyring, and whether it is new."""
        from streams.files.keyring import new_keyring, read_keyring

        if self._keys.exists():
            return read_keyring(self._keys), False
        return new_keyring("home", datetime.now(UTC)), True

    def _keep(self, keyring: Keyring) -> None:
        from streams.files.keyring import write_keyring

        write_keyring(self._keys, keyring)

    def _tell(self, tally: Tally) -> None:
        """Print what was found, without anything that was said."""
        if tally.events:
            note(
                f"wrote {tally.events:,} commands of {tally.devices:,} devices in "
                f"{tally.sessions:,} sessions, from {tally.first[:10]} to {tally.last[:10]}, to "
                f"{self._output}; the key of the tokens is {self._keys}"
            )
            note(
                f"understood {1 - tally.other / tally.events:.1%}; {tally.other:,} commands are "
                "other.Request"
            )
        else:
            note("the log has no commands, so nothing was written")
        if self._labels and tally.events:
            note(f"{tally.labels:,} commands are labelled in {self._labels}")
        if tally.repeated:
            note(f"{tally.repeated:,} records were repetitions")
        for reason, count in _by_count(tally.skipped):
            note(f"{count:,} records are no commands: {reason}")
        for reason, count in _by_count(tally.faults):
            note(f"{count:,} records cannot be read: {reason}")
        if tally.places:
            shown = ", ".join(fault.place for fault in tally.places)
            more = sum(tally.faults.values()) - len(tally.places)
            note(f"they are {shown}{f', and {more:,} more' if more else ''}")
        if self._times.ambiguous or self._times.impossible:
            note(
                f"{self._times.ambiguous:,} times are in an hour that exists twice, and the first "
                f"was assumed; {self._times.impossible:,} are in an hour that does not exist"
            )


def _by_count(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: -pair[1])


def _stem(output: Path) -> str:
    """Return the name of a file without the suffixes of a stream."""
    name = output.name
    for suffix in (".gz", ".jsonl", ".json", ".ndjson"):
        name = name.removesuffix(suffix)
    return name or "stream"


def _in_steps(report: Progress, stage: str) -> Advance:
    """Return a function that reports at most a few hundred times."""
    latest = -1

    def advance(done: int, total: int) -> None:
        nonlocal latest
        step = 200 * done // total if total else done >> 20
        if step != latest:
            latest = step
            report(stage, done, max(total, done))

    return advance
