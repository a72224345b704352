"""CPU time of processes: a measure of cost that other load on the machine does not distort."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["cpu_seconds"]


def cpu_seconds(processes: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of each process (name -> id), without those that ``/proc`` lacks."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for name, pid in processes.items():
        try:
            # Counted after the command in parentheses, user and system time are fields 12 and 13.
            fields = (
                Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
            )
        except OSError:
            continue
        found[name] = (int(fields[11]) + int(fields[12])) / ticks
    return found
