"""A voice history of a made-up home: habits, other wishes, and a few commands of a television.

``python -m tests.streams.files.importers.made_up_home > history.json`` writes 60 days.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["DISCARDED", "PHANTOMS", "history"]

#: Hour of the day, share of days, device and text of what the home usually says.
_HABITS = (
    (6.9, 0.9, "Kitchen Echo", "alexa turn on the kitchen lights"),
    (7.0, 0.7, "Kitchen Echo", "alexa what's the weather today"),
    (7.1, 0.6, "Kitchen Echo", "alexa play radio four"),
    (8.2, 0.7, "Hall Dot", "alexa turn everything off"),
    (8.3, 0.8, "Hall Dot", "alexa lock the front door"),
    (17.6, 0.8, "Hall Dot", "alexa turn on the hallway light"),
    (18.2, 0.6, "Kitchen Echo", "alexa set a timer for twelve minutes"),
    (18.4, 0.3, "Kitchen Echo", "alexa add milk to the shopping list"),
    (19.5, 0.6, "Living Room Echo", "alexa play some jazz"),
    (20.0, 0.5, "Living Room Echo", "alexa volume four"),
    (22.7, 0.8, "Bedroom Dot", "alexa turn off the bedroom lights"),
    (22.8, 0.5, "Bedroom Dot", "alexa set an alarm for seven"),
)
#: What the home says at any hour of the day.
_WISHES = (
    "alexa what time is it",
    "alexa stop",
    "alexa turn on the tv",
    "alexa turn up the volume",
    "alexa how long is left on the timer",
    "alexa who wrote middlemarch",
    "alexa is the front door locked",
    "alexa dim the lights to thirty percent",
    "alexa next song",
    "alexa turn off the kitchen lights",
)
#: What the television says to Alexa: day, hour, device and text.
PHANTOMS = (
    (44, 21.3, "Living Room Echo", "alexa unlock the front door"),
    (51, 20.6, "Living Room Echo", "alexa order a drone"),
    (57, 3.2, "Living Room Echo", "alexa open the garage"),
)
DISCARDED = 12
_START = datetime(2026, 1, 5, tzinfo=UTC)


def history(days: int = 60, seed: int = 7) -> dict[str, list[dict[str, Any]]]:
    """Return the JSON of a voice history, latest record first."""
    draw = random.Random(seed)
    said: list[tuple[datetime, str, str, str]] = []
    for day in range(days):
        for hour, share, device, text in _HABITS:
            if draw.random() < share:
                said.append((_at(day, draw.gauss(hour, 0.2)), device, text, "SUCCESS"))
        for _ in range(draw.randint(1, 5)):
            device = draw.choice(("Kitchen Echo", "Living Room Echo"))
            said.append((_at(day, draw.uniform(7, 23)), device, draw.choice(_WISHES), "SUCCESS"))
    said += [(_at(day, hour), device, text, "SUCCESS") for day, hour, device, text in PHANTOMS]
    for number in range(DISCARDED):
        discarded = "DISCARDED_NON_DEVICE_DIRECTED_INTENT"
        time = _at(4 + 4 * number, draw.uniform(18, 22))
        said.append((time, "Living Room Echo", "the computer says no", discarded))
    return {"customerHistoryRecords": [_record(*each) for each in sorted(said, reverse=True)]}


def _at(day: int, hour: float) -> datetime:
    return _START + timedelta(days=day, hours=hour)


def _record(time: datetime, device: str, text: str, status: str) -> dict[str, Any]:
    milliseconds = round(1000 * time.timestamp())
    return {
        "recordKey": f"AMADEUPCUSTOMER#{milliseconds}#AMADEUPTYPE00#{device.replace(' ', '')}",
        "timestamp": milliseconds,
        "device": {"deviceName": device},
        "utteranceType": "GENERAL",
        "activityStatus": status,
        "voiceHistoryRecordItems": [
            {"recordItemType": "CUSTOMER_TRANSCRIPT", "transcriptText": text}
        ],
    }


if __name__ == "__main__":
    json.dump(history(), sys.stdout, indent=1)
