"""misfire checks voice commands before they run.

The entry guards the intent handlers at once and loads misfire in the background, so that it never
delays the start. If misfire cannot be loaded, voice works without it and a repair issue says so.
"""

from __future__ import annotations

from pathlib import Path

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from . import library  # noqa: F401 - makes misfire's packages importable
from .const import (
    CONF_MODE,
    CONF_PHONES,
    CONF_PIN,
    DOMAIN,
    FOLDER,
    GATEWAY,
    KEYRING_FILE,
    LOGGER,
)
from .gateway import why_unusable
from .guard import CommandGuard
from .handlers import guard_handlers, release_handlers
from .issues import clear_issue, report_issue
from .opening import open_gate
from .phones import TAPPED, Phones, answer_of
from .services import register_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [Platform.EVENT, Platform.SENSOR]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:  # noqa: ARG001 - as above
    """Register the services."""
    register_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Guard the intent handlers, and load misfire in the background."""
    guard = CommandGuard(hass, entry)
    hass.data.setdefault(DOMAIN, {})[entry.entry_id] = guard
    guard_handlers(hass, guard.handle)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    phones = Phones(hass, list(entry.options.get(CONF_PHONES) or ()))

    async def tapped(event: Event) -> None:
        from streams.hook import ConfirmMethod

        found = answer_of(str(event.data.get("action", "")))
        if found is None:
            return
        question, accepted = found
        said = await guard.questions.answer(question, ConfirmMethod.PHONE_PUSH, accepted=accepted)
        if said is None:
            await phones.late(question)

    entry.async_on_unload(hass.bus.async_listen(TAPPED, tapped))
    entry.async_on_unload(entry.add_update_listener(_reload))
    hass.async_create_background_task(_load(hass, entry, guard), f"{DOMAIN} load")
    _check_options(hass, entry)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Put the handlers back, close the questions and the hook."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    release_handlers(hass)
    guard: CommandGuard = hass.data[DOMAIN].pop(entry.entry_id)
    if guard.opened.done():
        await guard.questions.close()
        await guard.settle()
        await hass.async_add_executor_job(guard.opened.result().hook.close)
    else:
        guard.opened.cancel()
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:  # noqa: ARG001
    """Refuse an entry of a later version; there is no earlier one."""
    return entry.version == 1


async def _load(hass: HomeAssistant, entry: ConfigEntry, guard: CommandGuard) -> None:
    folder = Path(hass.config.path(FOLDER))
    try:
        opened = await hass.async_add_executor_job(open_gate, folder, entry.data, entry.options)
    except Exception as error:  # noqa: BLE001 - voice never depends on misfire
        LOGGER.exception("misfire could not be loaded; voice commands are not checked")
        release_handlers(hass)
        report_issue(hass, "not_loaded", error=f"{type(error).__name__}: {error}")
        return
    clear_issue(hass, "not_loaded")
    if guard.opened.cancelled():
        await hass.async_add_executor_job(opened.hook.close)
        return
    guard.opened.set_result(opened)
    if entry.data[CONF_MODE] == GATEWAY:
        keyring = folder / KEYRING_FILE
        if await hass.async_add_executor_job(why_unusable, entry.data, keyring) == "refused":
            entry.async_start_reauth(hass)


async def _reload(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await hass.config_entries.async_reload(entry.entry_id)


@callback
def _check_options(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Create an issue if nobody can answer a question about a lock."""
    if entry.options.get(CONF_PHONES) or entry.options.get(CONF_PIN):
        clear_issue(hass, "nobody_to_ask")
    else:
        report_issue(hass, "nobody_to_ask")
