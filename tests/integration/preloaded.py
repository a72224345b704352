"""Imports what workers and gateways need, for the process that forks them.

These modules are imported where they are used. Each start would import them again, and that takes
half of its CPU time.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module

for _name in (
    "faust.app",
    "faust.assignor.partition_assignor",
    "faust.stores.memory",
    "faust.worker",
    "numpy.ma",
    "pydantic.v1",
    "streams.cli.gateway",
    "streams.cli.worker",
    "streams.gateway.run",
    "streams.worker.run",
    "uvicorn.protocols.http.auto",
):
    import_module(_name)

# Faust asks for the module of its caller. The first answer resolves the file of every module.
inspect.getmodule(sys._getframe())
