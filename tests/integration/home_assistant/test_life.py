"""Set-up, options, restart, reload, faults, services, diagnostics."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import voluptuous as vol
from homeassistant import config_entries
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import intent
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from house import OPTIONS, House, Installing
from pytest_homeassistant_custom_component.common import MockConfigEntry

OPENING = "custom_components.misfire.open_gate"


async def test_the_flow_makes_an_entry(home: House) -> None:
    flows = home.hass.config_entries.flow
    shown = await flows.async_init("misfire", context={"source": "user"})
    shown = await flows.async_configure(shown["flow_id"], {"mode": "embedded"})
    assert shown["step_id"] == "asking"

    wrong = await flows.async_configure(shown["flow_id"], OPTIONS | {"pin": "12"})
    made = await flows.async_configure(shown["flow_id"], OPTIONS)
    await home.hass.async_block_till_done()

    assert wrong["errors"] == {"pin": "wrong_pin"}
    assert made["type"] == "create_entry"
    assert made["options"]["phones"] == ["mobile_app_anna"]
    await home.hass.config_entries.async_unload(made["result"].entry_id)


async def test_the_flow_tries_the_gateway(home: House) -> None:
    flows = home.hass.config_entries.flow
    shown = await flows.async_init("misfire", context={"source": "user"})
    shown = await flows.async_configure(shown["flow_id"], {"mode": "gateway"})
    with mock.patch(
        "custom_components.misfire.config_flow.why_unusable", side_effect=["no_gateway", None]
    ):
        address = {"url": "http://127.0.0.1:8750"}
        wrong = await flows.async_configure(shown["flow_id"], address)
        right = await flows.async_configure(shown["flow_id"], address)

    assert wrong["errors"] == {"base": "no_gateway"}
    assert right["step_id"] == "asking"


@pytest.mark.skipif(not hasattr(config_entries, "SOURCE_RECONFIGURE"), reason="since 2024.4")
async def test_an_embedded_hook_has_no_gateway_to_reconfigure(install: Installing) -> None:
    house = await install()
    assert house.entry is not None
    context = {"source": "reconfigure", "entry_id": house.entry.entry_id}

    shown = await house.hass.config_entries.flow.async_init("misfire", context=context)

    assert shown["reason"] == "nothing_to_reconfigure"


async def test_the_options_change_what_is_asked(install: Installing) -> None:
    house = await install()
    assert house.entry is not None
    options = house.hass.config_entries.options
    shown = await options.async_init(house.entry.entry_id)

    await options.async_configure(shown["flow_id"], OPTIONS | {"classes": ["purchase"]})
    await house.hass.async_block_till_done()
    await house.loaded()
    await house.say("unlock the front door")

    assert house.state("lock.front") == "unlocked"


async def test_an_entry_of_a_later_version_is_refused_and_voice_works(home: House) -> None:
    entry = MockConfigEntry(domain="misfire", version=2, data={"mode": "embedded"}, options=OPTIONS)
    entry.add_to_hass(home.hass)

    assert not await home.hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    await home.say("unlock the front door")
    assert home.state("lock.front") == "unlocked"


async def test_a_file_of_a_later_version_lets_the_policy_decide(install: Installing) -> None:
    house = await install()
    assert house.entry is not None
    await house.say("turn on the kitchen light")
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    with closing(sqlite3.connect(house.hass.config.path("misfire", "household.sqlite"))) as file:
        file.execute("PRAGMA user_version = 999")

    await house.hass.config_entries.async_setup(house.entry.entry_id)
    guard = await house.loaded()
    await house.say("unlock the front door")
    await house.say("turn off the kitchen light")

    assert guard.latest.rung == "policy"
    assert house.state("lock.front") == "locked"
    assert house.state("light.kitchen") == "off"


async def test_unloading_puts_the_handlers_back(install: Installing, hass: HomeAssistant) -> None:
    house = await install()
    await house.say("unlock the front door")

    assert house.entry is not None
    assert await hass.config_entries.async_unload(house.entry.entry_id)
    await house.tap(accept=True)

    assert type(hass.data[intent.DATA_KEY]) is dict
    assert house.state("lock.front") == "locked"
    await house.say("unlock the front door")
    assert house.state("lock.front") == "unlocked"


async def test_a_restart_in_mid_question_runs_nothing(install: Installing) -> None:
    house = await install()
    await house.say("unlock the front door")

    assert house.entry is not None
    assert await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.loaded()
    await house.tap(accept=True)

    assert house.state("lock.front") == "locked"
    assert "no longer open" in house.notified[-1]["message"]
    await house.say("turn on the kitchen light")
    assert house.state("light.kitchen") == "on"


async def test_what_a_household_learned_survives_a_reload(
    install: Installing, decisions: list[str]
) -> None:
    house = await install()
    await house.say("unlock the front door")
    await house.tap(accept=True)
    assert house.entry is not None
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.loaded()
    await house.hass.services.async_call("lock", "lock", {"entity_id": "lock.front"}, blocking=True)

    await house.say("unlock the front door")

    assert house.state("lock.front") == "unlocked"
    assert decisions[-1] == "allow"


async def test_the_start_does_not_wait_for_misfire(home: House) -> None:
    entry = MockConfigEntry(domain="misfire", data={"mode": "embedded"}, options=OPTIONS)
    entry.add_to_hass(home.hass)
    with mock.patch(OPENING, side_effect=OSError("no space left")):
        assert await home.hass.config_entries.async_setup(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
        for _ in range(20):
            await home.hass.async_block_till_done()
            if ir.async_get(home.hass).async_get_issue("misfire", "not_loaded"):
                break

    assert ir.async_get(home.hass).async_get_issue("misfire", "not_loaded") is not None
    await home.say("turn on the kitchen light")
    assert home.state("light.kitchen") == "on"


async def test_repairs_say_that_nobody_can_be_asked(install: Installing) -> None:
    house = await install(phones=[], pin="")

    assert ir.async_get(house.hass).async_get_issue("misfire", "nobody_to_ask") is not None


async def test_repairs_name_a_phone_that_is_gone(install: Installing) -> None:
    house = await install(phones=["mobile_app_old"])

    await house.say("unlock the front door")
    await house.say("4711")

    issue = ir.async_get(house.hass).async_get_issue("misfire", "phone_missing")
    assert issue is not None
    assert issue.translation_placeholders == {"phones": "mobile_app_old"}
    assert house.state("lock.front") == "unlocked"


async def test_snooze_runs_everything_until_it_ends(
    install: Installing, hass: HomeAssistant, freezer: Any
) -> None:
    house = await install()

    await hass.services.async_call(
        "misfire", "snooze", {"duration": timedelta(minutes=5)}, blocking=True
    )
    await house.say("unlock the front door")
    assert house.state("lock.front") == "unlocked"
    assert not house.notified

    freezer.tick(timedelta(minutes=5, seconds=1))
    await house.say("open the garage door")
    assert house.state("cover.garage") == "closed"


@pytest.mark.parametrize("duration", [timedelta(hours=25), timedelta(seconds=-1), "soon"])
async def test_a_pause_is_a_duration_of_at_most_a_day(install: Installing, duration: Any) -> None:
    house = await install()

    with pytest.raises(vol.Invalid):
        await house.hass.services.async_call(
            "misfire", "snooze", {"duration": duration}, blocking=True
        )

    assert house.questions() == []
    await house.say("unlock the front door")
    assert house.state("lock.front") == "locked"


async def test_snooze_without_an_entry_is_refused(home: House) -> None:
    await async_setup_component(home.hass, "misfire", {})

    with pytest.raises(ServiceValidationError):
        await home.hass.services.async_call("misfire", "snooze", {"duration": 60}, blocking=True)


async def test_a_label_unlearns_a_command_and_another_label_takes_it_back(
    install: Installing,
) -> None:
    house = await install()
    with pytest.raises(ServiceValidationError):
        await _label(house)
    await house.say("turn on the kitchen light")
    guard = await house.loaded()
    await guard.settle()

    await _label(house)
    await _label(house, event_id=guard.latest.event_id, label="withdrawn")

    assert await house.hass.async_add_executor_job(_labels, house) == [
        (guard.latest.event_id, "misfire", "not_learned"),
        (guard.latest.event_id, "withdrawn", "restored"),
    ]


@pytest.mark.parametrize("given", [{"event_id": "unknown"}, {"event_id": "not an id"}])
async def test_a_label_of_an_unknown_command_is_refused(
    install: Installing, given: dict[str, str]
) -> None:
    house = await install()
    await house.say("turn on the kitchen light")

    with pytest.raises(ServiceValidationError):
        await _label(house, **given)
    with pytest.raises(vol.Invalid):
        await _label(house, label="perhaps")


def _labels(house: House) -> list[tuple[str, str, str]]:
    """Return the labels in the household file: the event, what was said, and the effect."""
    with closing(sqlite3.connect(house.hass.config.path("misfire", "household.sqlite"))) as file:
        rows = file.execute("SELECT value FROM records WHERE type LIKE '%label%' ORDER BY rowid")
        found = [json.loads(value) for (value,) in rows]
    return [(each["event_id"], each["label"], each["effect"]) for each in found]


async def _label(house: House, **given: str) -> None:
    await house.hass.services.async_call("misfire", "label", given, blocking=True)


async def test_sensors_count(install: Installing) -> None:
    house = await install()
    await house.say("turn on the kitchen light")
    await house.say("unlock the front door")

    assert house.state("sensor.misfire_commands_allowed") == "1"
    assert house.state("sensor.misfire_commands_asked_about") == "1"
    assert house.state("sensor.misfire_interrupted_share") == "50.0"
    assert house.state("sensor.misfire_last_interruption") != "unknown"


async def test_diagnostics_hold_nothing_spoken(install: Installing) -> None:
    from custom_components.misfire.diagnostics import async_get_config_entry_diagnostics

    house = await install()
    await house.say("unlock the front door")

    found: dict[str, Any] = await async_get_config_entry_diagnostics(house.hass, house.entry)

    text = json.dumps(found).lower()
    assert found["loaded"] is True
    assert found["open_questions"] == 1
    assert not any(word in text for word in ("front", "4711", "anna"))


def test_the_manifest_and_the_translations_are_complete() -> None:
    import custom_components.misfire as package

    folder = Path(package.__file__).parent
    manifest = json.loads((folder / "manifest.json").read_text())
    english, german = (
        _keys(json.loads((folder / "translations" / f"{language}.json").read_text()))
        for language in ("en", "de")
    )

    assert list(manifest)[:2] == ["domain", "name"]
    assert list(manifest)[2:] == sorted(list(manifest)[2:])
    assert manifest["domain"] == "misfire"
    assert manifest["config_flow"] is True
    assert english == german


def _keys(value: object, path: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {path}
    return {key for name, each in value.items() for key in _keys(each, f"{path}.{name}")}
