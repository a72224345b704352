"""Jinja environments in which every value is escaped and a missing one is an error."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined

from streams.pages.formats import bits, count, percent, signed_bits

__all__ = ["page_environment", "shared_style"]


def page_environment(*loaders: BaseLoader) -> Environment:
    """Return an environment that finds the shared templates after those of ``loaders``."""
    environment = Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("streams.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "bits": bits,
        "signed_bits": signed_bits,
        "count": count,
    }
    return environment


def shared_style() -> str:
    """Return the style sheet of the shared templates."""
    return files("streams.pages").joinpath("templates", "parts.css").read_text("utf-8")
