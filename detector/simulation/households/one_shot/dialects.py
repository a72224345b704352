"""The names of commands in the dialects of several runtimes, and the names of their slots.

Home Assistant's are its built-in intents, prefixed by the domain of the entity as an adapter sends
them (https://developers.home-assistant.io/docs/intent_builtin). There, turning on locks a lock and
opens a cover. Adapters of earlier releases have other names for covers and lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["DIALECTS", "Dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of runtime reports commands.

    Attributes:
        runtime: the runtime.
        share: the share of homes that have it.
        intents: the intent of each command; commands that it cannot express are missing.
        slots: its names of slots that differ from ours.
    """

    runtime: str
    share: float
    intents: Mapping[str, str]
    slots: Mapping[str, str]


_HOME_ASSISTANT = {
    "light.on": "light.HassTurnOn",
    "light.off": "light.HassTurnOff",
    "light.dim": "light.HassLightSet",
    "light.color": "light.HassLightSet",
    "light.state": "light.HassGetState",
    "media.play": "media_player.HassMediaSearchAndPlay",
    "media.pause": "media_player.HassMediaPause",
    "media.resume": "media_player.HassMediaUnpause",
    "media.next": "media_player.HassMediaNext",
    "media.previous": "media_player.HassMediaPrevious",
    "media.volume": "media_player.HassSetVolume",
    "media.louder": "media_player.HassSetVolumeRelative",
    "media.mute": "media_player.HassMediaPlayerMute",
    "media.unmute": "media_player.HassMediaPlayerUnmute",
    "media.on": "media_player.HassTurnOn",
    "media.off": "media_player.HassTurnOff",
    "timer.start": "timer.HassStartTimer",
    "timer.cancel": "timer.HassCancelTimer",
    "timer.status": "timer.HassTimerStatus",
    "timer.longer": "timer.HassIncreaseTimer",
    "timer.pause": "timer.HassPauseTimer",
    "list.add": "todo.HassListAddItem",
    "list.complete": "todo.HassListCompleteItem",
    "weather.get": "weather.HassGetWeather",
    "clock.time": "assist.HassGetCurrentTime",
    "clock.date": "assist.HassGetCurrentDate",
    "assistant.nevermind": "assist.HassNevermind",
    "assistant.broadcast": "assist.HassBroadcast",
    "sensor.state": "sensor.HassGetState",
    "climate.set": "climate.HassClimateSetTemperature",
    "climate.get": "climate.HassClimateGetTemperature",
    "climate.off": "climate.HassTurnOff",
    "switch.on": "switch.HassTurnOn",
    "switch.off": "switch.HassTurnOff",
    "fan.on": "fan.HassTurnOn",
    "fan.off": "fan.HassTurnOff",
    "fan.speed": "fan.HassFanSetSpeed",
    "scene.on": "scene.HassTurnOn",
    "script.run": "script.HassTurnOn",
    "vacuum.start": "vacuum.HassVacuumStart",
    "vacuum.dock": "vacuum.HassVacuumReturnToBase",
    "mower.start": "lawn_mower.HassLawnMowerStartMowing",
    "mower.dock": "lawn_mower.HassLawnMowerDock",
    "blind.open": "cover.HassTurnOn",
    "blind.close": "cover.HassTurnOff",
    "blind.position": "cover.HassSetPosition",
    "garage.open": "cover.HassTurnOn",
    "garage.close": "cover.HassTurnOff",
    "garage.state": "cover.HassGetState",
    "lock.unlock": "lock.HassTurnOff",
    "lock.lock": "lock.HassTurnOn",
    "lock.state": "lock.HassGetState",
    "alarm.arm": "alarm_control_panel.HassTurnOn",
    "alarm.disarm": "alarm_control_panel.HassTurnOff",
    "oven.on": "switch.HassTurnOn",
    "oven.off": "switch.HassTurnOff",
    "valve.open": "valve.HassTurnOn",
    "valve.close": "valve.HassTurnOff",
    "heater.on": "water_heater.HassTurnOn",
    "heater.off": "water_heater.HassTurnOff",
}
_EARLIER = {
    "blind.open": "cover.HassOpenCover",
    "blind.close": "cover.HassCloseCover",
    "garage.open": "cover.HassOpenCover",
    "garage.close": "cover.HassCloseCover",
    "list.add": "shopping_list.HassShoppingListAddItem",
    "list.complete": "shopping_list.HassShoppingListCompleteItem",
    "list.read": "shopping_list.HassShoppingListLastItems",
    "clock.time": "homeassistant.HassGetCurrentTime",
    "clock.date": "homeassistant.HassGetCurrentDate",
    "assistant.nevermind": "homeassistant.HassNevermind",
    "assistant.broadcast": "assist_satellite.HassBroadcast",
}
#: The integration for Home Assistant gives covers that are no entrance a domain of their
#: own, by their device class.
_BY_DEVICE_CLASS = {
    "blind.open": "blind.HassTurnOn",
    "blind.close": "blind.HassTurnOff",
    "blind.position": "blind.HassSetPosition",
}
#: The names of ``skills.py``, and in the same form those of devices that it does not have.
_PACKAGED = {
    "light.on": "lights.TurnOn",
    "light.off": "lights.TurnOff",
    "light.dim": "lights.Dim",
    "light.color": "lights.SetColor",
    "light.state": "lights.GetState",
    "media.play": "music.PlaySong",
    "media.pause": "music.Pause",
    "media.resume": "music.Resume",
    "media.next": "music.Next",
    "media.previous": "music.Previous",
    "media.volume": "music.SetVolume",
    "media.louder": "music.SetVolume",
    "media.mute": "music.Mute",
    "media.unmute": "music.Unmute",
    "media.on": "music.PlayRadio",
    "media.off": "music.Stop",
    "timer.start": "timers.SetTimer",
    "timer.cancel": "timers.CancelTimer",
    "timer.status": "timers.GetTimer",
    "timer.longer": "timers.SetTimer",
    "list.add": "lists.AddItem",
    "list.complete": "lists.RemoveItem",
    "list.read": "lists.ReadList",
    "weather.get": "weather.GetForecast",
    "clock.time": "conversation.GetTime",
    "clock.date": "conversation.GetDate",
    "assistant.nevermind": "conversation.Nevermind",
    "assistant.broadcast": "messages.Broadcast",
    "sensor.state": "sensor.GetState",
    "climate.set": "climate.SetTemperature",
    "climate.get": "climate.GetTemperature",
    "climate.off": "climate.TurnOff",
    "switch.on": "switches.TurnOn",
    "switch.off": "switches.TurnOff",
    "fan.on": "fans.TurnOn",
    "fan.off": "fans.TurnOff",
    "fan.speed": "fans.SetSpeed",
    "scene.on": "scenes.TurnOn",
    "script.run": "script.Run",
    "vacuum.start": "appliances.StartVacuum",
    "vacuum.dock": "appliances.StopVacuum",
    "mower.start": "lawn_mower.Start",
    "mower.dock": "lawn_mower.Dock",
    "blind.open": "covers.Open",
    "blind.close": "covers.Close",
    "blind.position": "covers.SetPosition",
    "garage.open": "garage.Open",
    "garage.close": "garage.Close",
    "garage.state": "garage.GetState",
    "lock.unlock": "security.UnlockDoor",
    "lock.lock": "security.LockDoor",
    "lock.state": "security.CheckDoor",
    "alarm.arm": "security.ArmAlarm",
    "alarm.disarm": "security.DisarmAlarm",
    "oven.on": "kitchen.StartOven",
    "oven.off": "kitchen.StopOven",
    "valve.open": "valve.Open",
    "valve.close": "valve.Close",
    "heater.on": "water_heater.TurnOn",
    "heater.off": "water_heater.TurnOff",
    "wake.set": "alarms.SetAlarm",
    "wake.cancel": "alarms.CancelAlarm",
    "news.get": "news.GetHeadlines",
    "message.send": "messages.SendMessage",
    "message.call": "calls.PlaceCall",
    "shop.buy": "shopping.BuyItem",
}
_HOME_ASSISTANT_SLOTS = MappingProxyType(
    {"volume": "volume_level", "step": "volume_step", "query": "search_query", "list": "name"}
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "home_assistant": Dialect(
            "home-assistant", 0.3, MappingProxyType(_HOME_ASSISTANT), _HOME_ASSISTANT_SLOTS
        ),
        "home_assistant_earlier": Dialect(
            "home-assistant",
            0.15,
            MappingProxyType(_HOME_ASSISTANT | _EARLIER),
            _HOME_ASSISTANT_SLOTS,
        ),
        "packaged": Dialect(
            "ovos",
            0.2,
            MappingProxyType(_PACKAGED),
            MappingProxyType({"area": "room", "minutes": "duration", "temperature": "degrees"}),
        ),
        "packaged_by_adapter": Dialect(
            "home-assistant", 0.15, MappingProxyType(_PACKAGED), _HOME_ASSISTANT_SLOTS
        ),
        "home_assistant_by_device_class": Dialect(
            "home-assistant",
            0.2,
            MappingProxyType(_HOME_ASSISTANT | _BY_DEVICE_CLASS),
            _HOME_ASSISTANT_SLOTS,
        ),
    }
)
