"""Plays a month of ``misfire runtimes month`` inside Home Assistant, each home in a new instance.

pytest does not collect this file by itself: name it on the command line. ``MISFIRE_MONTH`` and
``MISFIRE_LABELS`` name the month, ``MISFIRE_PLAYED`` the file for what was decided.
"""

from __future__ import annotations

import inspect
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import custom_components.misfire  # noqa: F401 - makes misfire's packages importable
import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.helpers import area_registry, device_registry, entity_registry, intent
from house import House, Installing
from sentences import DEVICE_CLASSES, DOMAINS, Words, sentence_of, slots_of

from detector.contracts.events import IntentEvent
from streams.embedded.opened import opened
from streams.files.events import read_events, read_labels
from streams.files.keyring import new_keyring, write_keyring
from streams.wire.records import ANSWER, DECISION, INTENT, OUTCOME

# Pydantic cannot read the datetime of freezegun. Let it build everything before time is frozen.
for kind in (ANSWER, DECISION, INTENT, OUTCOME):
    kind.warm()
with tempfile.TemporaryDirectory() as folder:
    write_keyring(Path(folder) / "keys.json", new_keyring("home", datetime.now(UTC)))

pytestmark = pytest.mark.timeout(3600)
_MONTH, _LABELS, _PLAYED = (
    os.environ.get(f"MISFIRE_{name}", "") for name in ("MONTH", "LABELS", "PLAYED")
)
#: Intents that keep Home Assistant's handlers. Those of others need an integration with devices.
_REAL = {"HassGetState", "HassNevermind", "HassSetPosition", "HassTurnOff", "HassTurnOn"}
#: The services that these handlers call.
_SERVICES = (
    "turn_on",
    "turn_off",
    "lock",
    "unlock",
    "open_cover",
    "close_cover",
    "set_cover_position",
    "open_valve",
    "close_valve",
)


def _homes() -> dict[str, list[IntentEvent]]:
    homes: dict[str, list[IntentEvent]] = {}
    for event in read_events(Path(_MONTH)) if _MONTH else ():
        homes.setdefault(event.household_id, []).append(event)
    return homes


HOMES = _homes()
PHANTOMS = read_labels(Path(_LABELS)) if _LABELS else {}


class Resident:
    """Says the commands of a home, and answers the questions about them."""

    def __init__(self, house: House, events: list[IntentEvent]) -> None:
        self.house, self.hass = house, house.hass
        self.words = Words()
        self.devices: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.checked: list[Any] = []
        #: The id of the event that a command became, by whether it is a phantom.
        self.phantom: dict[str, bool] = {}
        for event in events:
            self._furnish(event)

    def _furnish(self, event: IntentEvent) -> None:
        """Set up what a command names: its device, its room, and the satellite that hears it."""
        kind = event.domain
        slots = slots_of(kind, event.slots, self.words)
        area = slots.get("area")
        if kind not in ("assist", "timer", "weather", "todo") and (area or "name" in slots):
            domain = DOMAINS.get(kind, kind)
            name = slots.get("name") or f"{area} {kind}"
            object_id = f"{kind} {name}".replace(" ", "_")
            self._entity(domain, kind, object_id, str(name), str(area) if area else None)
        if event.device_id not in self.devices:
            assert self.house.entry is not None
            device = device_registry.async_get(self.hass).async_get_or_create(
                config_entry_id=self.house.entry.entry_id,
                identifiers={("days", event.device_id)},
                name=f"satellite {len(self.devices)}",
            )
            self.devices[event.device_id] = device.id

    def _entity(self, domain: str, kind: str, object_id: str, name: str, area: str | None) -> None:
        if self.hass.states.get(f"{domain}.{object_id}") is not None:
            return
        entry = entity_registry.async_get(self.hass).async_get_or_create(
            domain, "days", object_id, suggested_object_id=object_id, original_name=name
        )
        if area is not None:
            areas = area_registry.async_get(self.hass)
            found = areas.async_get_area_by_name(area) or areas.async_create(area)
            entity_registry.async_get(self.hass).async_update_entity(
                entry.entity_id, area_id=found.id
            )
        attributes = {"friendly_name": name}
        if kind in DEVICE_CLASSES:
            attributes["device_class"] = DEVICE_CLASSES[kind]
        self.hass.states.async_set(entry.entity_id, "off", attributes)
        async_expose_entity(self.hass, "conversation", entry.entity_id, True)

    async def give(self, event: IntentEvent, *, phantom: bool) -> None:
        """Say a command, or let it be heard, and do what a resident would do next."""
        before = len(self.checked)
        slots = slots_of(event.domain, event.slots, self.words)
        sentence = sentence_of(event.intent, slots)
        if sentence is not None:
            await conversation.async_converse(
                self.hass,
                sentence,
                event.session_id,
                Context(user_id="anna"),
                language="en",
                device_id=self.devices[event.device_id],
            )
            self.counts["said"] += len(self.checked) > before
        if len(self.checked) == before:
            await self._call(event, slots)
            self.counts["called as an agent's tool"] += 1
        if len(self.checked) != before + 1:
            self.counts["not decided"] += 1
            return
        ruling = self.checked[-1]
        if ruling.event.intent != event.intent:
            self.counts[f"{event.intent} became {ruling.event.intent}"] += 1
        self.phantom[ruling.event.event_id] = phantom
        if ruling.action.value == "ask":
            await self._answer(ruling, accepted=not phantom)
        elif ruling.action.value == "run" and phantom:
            await self.hass.services.async_call("misfire", "label", {}, blocking=True)
        await self.hass.async_block_till_done()

    async def _call(self, event: IntentEvent, slots: dict[str, Any]) -> None:
        """Call the intent as the tool of an LLM agent does."""
        given: dict[str, Any] = {name: {"value": value} for name, value in slots.items()}
        if "area" in slots and "name" not in slots:
            given["domain"] = {"value": [DOMAINS.get(event.domain, event.domain)]}
            if event.domain == "blind":
                given["device_class"] = {"value": ["blind"]}
        extra = {"device_id": self.devices[event.device_id]}
        known = inspect.signature(intent.async_handle).parameters
        try:
            await intent.async_handle(
                self.hass,
                "conversation",
                event.intent.partition(".")[2],
                given,
                context=Context(user_id="anna"),
                language="en",
                **{name: value for name, value in extra.items() if name in known},
            )
        except intent.IntentError:
            self.counts["failed after the decision"] += 1

    async def _answer(self, ruling: Any, *, accepted: bool) -> None:
        await self.hass.async_block_till_done()
        asked = ruling.decision.confirm
        actions = [
            action["action"]
            for each in self.house.questions()[-1:]
            for action in each["data"]["actions"]
        ]
        if any(asked.confirmation_id in action for action in actions):
            await self.house.tap(accept=accepted)
        elif accepted:
            await self.house.say(" ".join(asked.challenge) if asked.challenge else "yes")


_HOME_IDS: list[Any] = sorted(HOMES) or [pytest.param("", marks=pytest.mark.skip)]


@pytest.fixture(params=_HOME_IDS)
def home_id(request: pytest.FixtureRequest) -> str:
    """Return the id of each home of the month."""
    return str(request.param)


async def test_a_month(
    home_id: str, install: Installing, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    events = HOMES[home_id]
    freezer.move_to(events[0].time)
    await hass.config.async_update(time_zone="UTC")
    house = await install()
    guard = await house.loaded()
    gate = guard.opened.result().gate
    resident = Resident(house, events)
    check = gate.check

    def checked(heard: Any) -> Any:
        resident.checked.append(check(heard))
        return resident.checked[-1]

    gate.check = checked
    _register(hass, events)
    for event in events:
        freezer.move_to(event.time)
        await resident.give(event, phantom=event.event_id in PHANTOMS)
    await guard.settle()
    print(home_id, dict(resident.counts))
    _write(home_id, Path(hass.config.path("misfire", "household.sqlite")), resident.phantom)


def _register(hass: HomeAssistant, events: list[IntentEvent]) -> None:
    """Register services that do nothing, and handlers of intents that need more components."""

    async def done(_call: ServiceCall) -> None:
        pass

    for domain in {DOMAINS.get(event.domain, event.domain) for event in events}:
        for service in _SERVICES:
            hass.services.async_register(domain, service, done)
    for service in ("turn_on", "turn_off"):
        hass.services.async_register("homeassistant", service, done)

    class Handler(intent.IntentHandler):
        def __init__(self, name: str) -> None:
            self.intent_type = name

        async def async_handle(self, intent_obj: intent.Intent) -> intent.IntentResponse:
            response = intent_obj.create_response()
            response.async_set_speech("Done")
            return response

    for name in {event.intent.partition(".")[2] for event in events} - _REAL:
        intent.async_register(hass, Handler(name))


def _write(home_id: str, file: Path, phantom: dict[str, bool]) -> None:
    """Append what was decided to the file for ``misfire runtimes days``."""
    with Path(_PLAYED).open("a") as played:
        for line in _decided(file, home_id):
            played.write(json.dumps(line | {"phantom": phantom[line["event"]["event_id"]]}) + "\n")


def _decided(file: Path, home_id: str) -> Iterator[dict[str, Any]]:
    """Yield the kept events with their decisions; the household is named as in the month."""
    events: dict[str, dict[str, Any]] = {}
    with opened(file) as transaction:
        records = list(transaction.records())
    for record in records:
        value = json.loads(record.value)
        if record.type == INTENT.type:
            events[value["event_id"]] = value | {"household_id": home_id}
        elif record.type == DECISION.type:
            yield {
                "event": events[value["event_id"]],
                "verdict": value["verdict"],
                "risk_class": value["risk_class"],
            }
