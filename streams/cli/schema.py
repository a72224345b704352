"""``misfire schema``: writes the public contracts and compares them with an earlier release."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import Json
from streams.cli.output import note, write_json
from streams.errors import DependencyUnavailable
from streams.files.atomic import write_whole


def schema(
    out: Annotated[
        Path | None, typer.Option(help="Write the documents into this directory.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Directory of an earlier release's documents, to find breaking changes."),
    ] = None,
    json: Json = None,
) -> None:
    """Generate OpenAPI, AsyncAPI and JSON Schema documents from the code.

    With --against, exit code 1 if there is a breaking change.
    """
    from streams.files.policy import read_policy
    from streams.operations.schemas import documents

    found = documents(read_policy())
    if out is not None:
        _write(out, found)
        note(f"wrote {len(found)} documents to {out}")
    broken = list(_broken(_read(against), found)) if against else []
    for sentence in broken:
        note(f"breaking change: {sentence}")
    write_json(json, {"documents": found, "broken": broken})
    if broken:
        raise typer.Exit(1)


def _broken(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    from streams.operations.schema_compatibility import broken_api, broken_channels, broken_value
    from streams.operations.schemas import READ

    yield from broken_api(before["openapi.json"], after["openapi.json"])
    yield from broken_channels(before["asyncapi.json"], after["asyncapi.json"])
    for file in sorted(before.keys() - {"openapi.json", "asyncapi.json"}):
        name = file.partition(".")[0]
        if file not in after:
            yield f"{name} was removed"
            continue
        yield from broken_value(before[file], after[file], read=name in READ, where=name)


def _write(folder: Path, found: Mapping[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in found.items():
            text = json_format.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
            write_whole(folder / name, text.encode())
    except OSError as error:
        raise DependencyUnavailable(
            f"the documents cannot be written to {folder}: {error.strerror or error}"
        ) from error


def _read(folder: Path) -> dict[str, Any]:
    files = sorted(folder.glob("*.json"))
    missing = {"openapi.json", "asyncapi.json"} - {file.name for file in files}
    if missing:
        raise DependencyUnavailable(
            f"{folder} lacks {', '.join(sorted(missing))}; "
            "give a directory that 'misfire schema --out' wrote"
        )
    return {file.name: json_format.loads(file.read_text("utf-8")) for file in files}
