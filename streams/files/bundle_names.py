"""The names of the files that a bundle's directory has besides the bundle's own."""

from __future__ import annotations

__all__ = ["MANIFEST", "SIGNATURE"]

MANIFEST = "manifest.json"
#: The file of the signature, beside the manifest that it signs.
SIGNATURE = "signature.txt"
