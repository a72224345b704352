"""Prints what misfire adds to a command, beside the same command without it, in one run.

pytest does not collect this file by itself: name it on the command line, with ``-s``.
"""

from __future__ import annotations

import time
from statistics import median, quantiles

from homeassistant.helpers import intent
from house import Installing

COMMANDS = 500


async def test_added_latency(install: Installing) -> None:
    house = await install()
    hass = house.hass
    guarded = hass.data[intent.DATA_KEY]
    spent: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(2 * COMMANDS):
        which = ("with", "without")[number // 2 % 2]
        hass.data[intent.DATA_KEY] = guarded if which == "with" else dict(guarded)
        slots = {"name": {"value": "Kitchen light", "text": "kitchen light"}}
        began = time.perf_counter()
        await intent.async_handle(
            hass, "conversation", ("HassTurnOn", "HassTurnOff")[number % 2], slots
        )
        spent[which].append(1000.0 * (time.perf_counter() - began))
        await hass.async_block_till_done()
    hass.data[intent.DATA_KEY] = guarded
    for which, found in spent.items():
        p99 = quantiles(found, n=100)[98]
        print(f"{which:>8}: median {median(found):.2f} ms, p99 {p99:.2f} ms")
