"""One import: reads a log with its reader, writes the stream, and prints what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from streams.cli.output import note, progress_report, write_json
from streams.errors import UsageError

if TYPE_CHECKING:
    from detector.progress import Progress
    from streams.files.importers.records import Advance, Found
    from streams.files.importers.tally import Tally
    from streams.files.importers.times import Times
    from streams.files.keyring import Keyring

    Read = Callable[[Times, Advance], Iterator[Found]]

__all__ = ["Import"]


class Import:
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
