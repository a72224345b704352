"""Items of a recorded stream with the labels of its misfires, as if they came from the log."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from detector.contracts.events import IntentEvent
from detector.evaluation.truth import Report
from streams.kafka.reading import Place
from streams.lifecycle.log_items import Item, Reported

__all__ = ["file_items"]


def file_items(
    name: str, events: Sequence[IntentEvent], misfires: Collection[str], begin: int = 0
) -> Iterator[Item]:
    """Yield the events from position ``begin`` on, each command followed by its label.

    Commands that ``misfires`` does not name count as meant. An event has an even position, and its
    label the next one.
    """
    for number, event in enumerate(events):
        place = Place(name, 0, 2 * number)
        if place.offset >= begin:
            yield Item(place, event.seconds, event)
        if event.commits and place.offset + 1 >= begin:
            what = Report.MISFIRE if event.event_id in misfires else Report.MEANT
            label = Reported(event.household_id, what, event.event_id)
            yield Item(Place(name, 0, place.offset + 1), event.seconds, label)
