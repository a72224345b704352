"""CPU time of processes: what a call costs also on a machine that is busy with other things."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["cpu_seconds"]


def cpu_seconds(processes: Mapping[str, int]) -> dict[str, float]:
    """Return the seconds of CPU that each process (name -> id) has used; nothing where ``/proc`` does not tell."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for name, pid in processes.items():
        try:
            # After the command's name in brackets: state is the first field, user and system time the 12th and 13th.
            fields = (
                Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
            )
        except OSError:
            continue
        found[name] = (int(fields[11]) + int(fields[12])) / ticks
    return found
