"""Reads the settings from a TOML file, ``MISFIRE_…`` environment variables and the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from streams.errors import UsageError
from streams.files.text import read_text
from streams.settings.table import Settings

__all__ = ["DEFAULT_FILE", "Loaded", "load"]

DEFAULT_FILE = Path("misfire.toml")
_PREFIX = "MISFIRE_"

#: Settings of earlier versions and their replacements, for the error message.
_REPLACED = {
    "callback_hosts": (
        "was replaced by callback_urls, which lists full URLs for each tenant, such as"
        " acme=https://runtime.acme.example:8443/late; loopback addresses must be listed, too"
    )
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and the source of each: ``default``, a file name, or a variable name."""

    settings: Settings
    sources: Mapping[str, str]


def load(
    file: Path | None = None, environment: Mapping[str, str] | None = None, **given: Any
) -> Loaded:
    """Read the settings, in order of precedence: command line, environment, file, default.

    Args:
        file: the TOML file; defaults to ``$MISFIRE_CONFIG``, or ``misfire.toml`` if it exists.
        environment: the environment variables; defaults to those of the process.
        given: settings from the command line; ``None`` means not given.

    Raises:
        UsageError: settings are invalid; the message lists every problem.
        DependencyUnavailable: the named file does not exist.
    """
    variables = os.environ if environment is None else environment
    variable = variables.get(f"{_PREFIX}CONFIG", "").strip()
    named = file or (Path(variable) if variable else None)
    values: dict[str, Any] = {}
    sources = dict.fromkeys(Settings.model_fields, "default")
    layers = [(_from_file(named), str(named or DEFAULT_FILE)), *_from_environment(variables)]
    layers += [
        ({name: value}, "command line") for name, value in given.items() if value is not None
    ]
    for values_given, source in layers:
        layer = {name: value for name, value in values_given.items() if not _unset(name, value)}
        values |= layer
        sources |= dict.fromkeys(layer, source)
    try:
        return Loaded(Settings.model_validate(values), sources)
    except ValidationError as error:
        raise UsageError("the configuration is invalid:\n" + _problems(error, sources)) from None


def _from_file(named: Path | None) -> dict[str, Any]:
    path = named or DEFAULT_FILE
    if named is None and not path.is_file():
        return {}
    try:
        return tomllib.loads(read_text(path, "configuration file"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the configuration file {path} is not TOML: {error}") from None


def _unset(name: str, value: Any) -> bool:
    """Return whether an optional setting is empty, as in ``MISFIRE_ACCESS_FILE=``."""
    field = Settings.model_fields.get(name)
    return (
        isinstance(value, str)
        and not value.strip()
        and field is not None
        and field.default in (None, "")
    )


def _from_environment(variables: Mapping[str, str]) -> list[tuple[dict[str, Any], str]]:
    """Return each variable as a layer. Other ``MISFIRE_…`` variables belong to other tools."""
    found = []
    for name in (*Settings.model_fields, *_REPLACED):
        variable = f"{_PREFIX}{name.upper()}"
        if variable in variables:
            found.append(({name: variables[variable]}, variable))
    return found


def _problems(error: ValidationError, sources: Mapping[str, str]) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(map(str, problem["loc"]))
        known = name in Settings.model_fields
        unknown = _REPLACED.get(name, "is not a setting; 'misfire config show' lists them")
        text = problem["msg"] if known else unknown
        lines.append(f"  - {name} ({sources.get(name, 'the file')}): {text}")
    return "\n".join(lines)
