"""The settings: what they are, where they are read from, and the files of keys that they name."""

from __future__ import annotations

from streams.settings.key_files import read_key, read_secret
from streams.settings.loading import DEFAULT_FILE, Loaded, load
from streams.settings.table import Settings

__all__ = ["DEFAULT_FILE", "Loaded", "Settings", "load", "read_key", "read_secret"]
