"""The set-up in the user interface: where decisions are made, what is asked about, and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntry, ConfigFlow, OptionsFlow, UnknownEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import selector

from .const import (
    CONF_CHALLENGE,
    CONF_CLASSES,
    CONF_KEYRING,
    CONF_MODE,
    CONF_PHONES,
    CONF_PIN,
    CONF_PROOF_KEY,
    CONF_SPOKEN,
    DOMAIN,
    EMBEDDED,
    FOLDER,
    GATEWAY,
    KEYRING_FILE,
)
from .gateway import why_unusable

#: The classes whose misfires do harm; the others are only asked about if a command is unusual.
CLASSES = ["physical", "purchase", "private_outbound", "reversible", "read_only"]
_FEWEST_DIGITS, _MOST_DIGITS = 4, 8

_MODE = vol.Schema(
    {
        vol.Required(CONF_MODE, default=EMBEDDED): selector.SelectSelector(
            selector.SelectSelectorConfig(options=[EMBEDDED, GATEWAY], translation_key=CONF_MODE)
        )
    }
)
_PASSWORD = selector.TextSelector(
    selector.TextSelectorConfig(type=selector.TextSelectorType.PASSWORD)
)
_TOKEN = vol.Schema({vol.Required("token"): _PASSWORD})
_GATEWAY = vol.Schema(
    {
        vol.Required("url", default="http://127.0.0.1:8750"): str,
        vol.Optional("token"): _PASSWORD,
        vol.Optional(CONF_PROOF_KEY): _PASSWORD,
        vol.Optional(CONF_KEYRING): str,
    }
)


class MisfireConfigFlow(ConfigFlow, domain=DOMAIN):  # type: ignore[call-arg]
    """Sets the integration up."""

    VERSION = 1

    def __init__(self) -> None:
        self._data: dict[str, Any] = {}

    @staticmethod
    @callback
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the flow of the options."""
        return MisfireOptionsFlow(dict(config_entry.options))

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> Any:
        """Ask where decisions are made."""
        await self.async_set_unique_id(DOMAIN)
        self._abort_if_unique_id_configured()
        if user_input is None:
            return self.async_show_form(step_id="user", data_schema=_MODE)
        self._data = dict(user_input)
        if user_input[CONF_MODE] == GATEWAY:
            return await self.async_step_gateway()
        return await self.async_step_asking()

    async def async_step_gateway(self, user_input: dict[str, Any] | None = None) -> Any:
        """Ask for the gateway, and try it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            error = await self._why_unusable(user_input)
            if error is None:
                self._data |= user_input
                return await self.async_step_asking()
            errors["base"] = error
        return self.async_show_form(
            step_id="gateway",
            data_schema=self.add_suggested_values_to_schema(_GATEWAY, user_input or {}),
            errors=errors,
        )

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Ask for another token, because the gateway refused this one."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> Any:
        """Try the new token, and use it."""
        entry = self._entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            data = {**entry.data, **user_input}
            error = await self._why_unusable(data)
            if error is None:
                return self._updated(entry, data, "reauth_successful")
            errors["base"] = error
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=_TOKEN,
            errors=errors,
            description_placeholders={"url": entry.data["url"]},
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> Any:
        """Change the address of the gateway and its keys."""
        entry = self._entry()
        if entry.data[CONF_MODE] != GATEWAY:
            return self.async_abort(reason="nothing_to_reconfigure")
        errors: dict[str, str] = {}
        if user_input is not None:
            error = await self._why_unusable(user_input)
            if error is None:
                data = {CONF_MODE: GATEWAY} | user_input
                return self._updated(entry, data, "reconfigure_successful")
            errors["base"] = error
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                _GATEWAY, user_input or dict(entry.data)
            ),
            errors=errors,
        )

    def _entry(self) -> ConfigEntry:
        """Return the entry that this flow changes."""
        entry = self.hass.config_entries.async_get_entry(self.context["entry_id"])
        if entry is None:
            raise UnknownEntry
        return entry

    def _updated(self, entry: ConfigEntry, data: dict[str, Any], reason: str) -> Any:
        """Change an entry's data. Its listener reloads it."""
        self.hass.config_entries.async_update_entry(entry, data=data)
        return self.async_abort(reason=reason)

    async def _why_unusable(self, data: Mapping[str, Any]) -> str | None:
        keyring = Path(self.hass.config.path(FOLDER)) / KEYRING_FILE
        return await self.hass.async_add_executor_job(why_unusable, data, keyring)

    async def async_step_asking(self, user_input: dict[str, Any] | None = None) -> Any:
        """Ask what to ask about, and how."""
        errors = wrong_options(user_input)
        if user_input is not None and not errors:
            return self.async_create_entry(title="misfire", data=self._data, options=user_input)
        return self.async_show_form(
            step_id="asking",
            data_schema=self.add_suggested_values_to_schema(
                options_schema(self.hass), user_input or {}
            ),
            errors=errors,
        )


class MisfireOptionsFlow(OptionsFlow):
    """Changes what is asked about, and how."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._before = options

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> Any:
        """Show the options."""
        errors = wrong_options(user_input)
        if user_input is not None and not errors:
            return self.async_create_entry(title="", data=user_input)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                options_schema(self.hass), user_input or self._before
            ),
            errors=errors,
        )


def options_schema(hass: HomeAssistant) -> vol.Schema:
    """Return the form of the options, with the phones that this instance knows."""
    phones = sorted(
        name
        for name in hass.services.async_services().get("notify", {})
        if name.startswith("mobile_app_")
    )
    return vol.Schema(
        {
            vol.Required(CONF_CLASSES, default=CLASSES[:4]): selector.SelectSelector(
                selector.SelectSelectorConfig(
                    options=CLASSES, multiple=True, translation_key=CONF_CLASSES
                )
            ),
            vol.Optional(CONF_PHONES, default=[]): selector.SelectSelector(
                selector.SelectSelectorConfig(options=phones, multiple=True, custom_value=True)
            ),
            vol.Optional(CONF_PIN): _PASSWORD,
            vol.Required(CONF_CHALLENGE, default=True): selector.BooleanSelector(),
            vol.Required(CONF_SPOKEN, default=True): selector.BooleanSelector(),
        }
    )


def wrong_options(options: dict[str, Any] | None) -> dict[str, str]:
    """Return what is wrong with the options, by field."""
    pin = str((options or {}).get(CONF_PIN) or "")
    if pin and not (pin.isascii() and pin.isdigit() and _FEWEST_DIGITS <= len(pin) <= _MOST_DIGITS):
        return {CONF_PIN: "wrong_pin"}
    return {}
