"""``misfire bench understanding``: how much of what people say an import understands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json
from streams.cli.output import progress_report, table, write_json

__all__ = ["understanding"]


def understanding(
    folder: Annotated[Path, typer.Argument(help="Folder with asr_1best_pairs.tsv.gz.")],
    json: Json = None,
) -> None:
    """Measure how many of SLURP's references an import understands, and how many rightly.

    The rules were tuned on one half of the references, and not on the other.
    """
    from streams.files.slurp import read_slurp
    from streams.files.understanding import Understanding
    from streams.local.bench.understanding import measure_understanding

    heard = read_slurp(folder)
    reader = Understanding()
    with progress_report() as report:
        found = measure_understanding(heard, lambda text: reader.of(text).intent, report)
    rows = [
        [
            name,
            f"{share.texts:,}",
            *(f"{each:.1%}" for each in (share.understood, share.right, share.right_domain)),
        ]
        for name, share in found.items()
    ]
    table("SLURP's references", ["half", "texts", "understood", "right", "right domain"], rows)
    write_json(json, found)
