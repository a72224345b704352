"""The code of an earlier version, from the repository's history."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["EARLIER", "checkout"]

#: The commit before misfire.rules, and before states in the changelog had a header with their
#: progress. A later change of what is stored or exchanged names the commit before it here. Choose
#: one that has been merged, since others can be rewritten.
EARLIER = "fb74a6f"


def checkout(folder: Path, *paths: str) -> Path:
    """Write the files of the earlier version, or only some, into a folder and return it.

    Raises:
        LookupError: this is not a clone of the repository with that commit.
    """
    place = folder / EARLIER
    if not place.is_dir():
        archive = subprocess.run(
            ["git", "archive", EARLIER, *paths],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            check=False,
        )
        if archive.returncode:
            raise LookupError(f"the commit {EARLIER} is not here: run this in a clone")
        place.mkdir(parents=True)
        subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True)
    return place
