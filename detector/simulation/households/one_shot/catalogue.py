"""What people ask of a home: a literal table of devices and services, and their commands.

The shares and weights are assumptions, stated here and nowhere else. No log of a real home was
used. Two findings of field studies shaped them: kinds of commands have their hours, and people
rarely explore new topics (Bentley et al. 2018, "Understanding the Long-Term Use of Smart Speaker
Assistants", IMWUT 2(3); 88 homes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

__all__ = ["COMMANDS", "HOURS", "KINDS", "Command", "Kind"]

#: Relative use by local hour of someone who gets up at seven: one digit for each hour from midnight
#: on. Nights are quiet but not silent.
HOURS: Mapping[str, npt.NDArray[np.float64]] = MappingProxyType(
    {
        name: np.array([float(digit) for digit in digits]) + 0.05
        for name, digits in {
            "awake": "100000268544564456899852",
            "dark": "111112885322223357999863",
            "bed": "521100112211111112345899",
            "morning": "000001599632221111222211",
            "evening": "210000012223333446899974",
            "cooking": "000000477323876335998310",
            "day": "000000025788878887654100",
            "dusk": "000000000000000257875310",
        }.items()
    }
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: ``kind.verb``, independent of the names of any assistant.
        often: use relative to other commands in a home that gives it.
        hours: the name of its hours.
        slots: the probability of each slot, apart from the room or the name of the device.
        again: the verb that often follows, such as another step of the volume; empty if none does.
    """

    name: str
    often: float
    hours: str
    slots: Mapping[str, float]
    again: str = ""

    @property
    def kind(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of device or service.

    Attributes:
        name: its name.
        owned: share of the homes that have it.
        rooms: whether it can be in several rooms; otherwise the home has one.
        placed: whether commands name a room or a device; services have neither.
        commands: the commands that people give by mood. Commands with a purpose, such as unlocking
            for a visitor, are in ``routines.py``.
    """

    name: str
    owned: float
    rooms: bool
    placed: bool
    commands: tuple[Command, ...]


def _command(name: str, often: float, hours: str, again: str = "", **slots: float) -> Command:
    return Command(name, often, hours, MappingProxyType(slots), again)


#: A weight of zero is a command that is given for a purpose only.
KINDS: tuple[Kind, ...] = (
    Kind("light", 0.97, True, True, (
        _command("light.on", 6.0, "dark", "dim"),
        _command("light.off", 5.0, "bed"),
        _command("light.dim", 1.8, "evening", "dim", brightness=1.0),
        _command("light.color", 0.3, "evening", color=1.0),
        _command("light.state", 0.1, "bed"),
    )),
    Kind("media", 0.85, True, True, (
        _command("media.play", 2.5, "evening", "volume", query=1.0),
        _command("media.pause", 2.0, "evening", "resume"),
        _command("media.resume", 1.3, "evening", "volume"),
        _command("media.next", 1.8, "evening", "next"),
        _command("media.previous", 0.3, "evening"),
        _command("media.volume", 2.0, "evening", "volume", volume=1.0),
        _command("media.louder", 1.0, "evening", "louder", step=1.0),
        _command("media.mute", 0.2, "evening", "unmute"),
        _command("media.unmute", 0.15, "evening"),
        _command("media.on", 0.6, "evening"),
        _command("media.off", 0.9, "bed"),
    )),
    Kind("timer", 0.9, False, False, (
        _command("timer.start", 3.0, "cooking", minutes=1.0),
        _command("timer.cancel", 0.9, "cooking", "start"),
        _command("timer.status", 0.8, "cooking", "status"),
        _command("timer.longer", 0.2, "cooking", minutes=1.0),
        _command("timer.pause", 0.1, "cooking"),
    )),
    Kind("list", 0.65, False, False, (
        _command("list.add", 2.2, "day", "add", item=1.0, list=0.8),
        _command("list.complete", 0.3, "day", "complete", item=1.0, list=0.8),
        _command("list.read", 0.3, "day", list=0.8),
    )),
    Kind("weather", 0.85, False, False, (_command("weather.get", 1.8, "morning"),)),
    Kind("clock", 0.85, False, False, (
        _command("clock.time", 1.2, "awake"),
        _command("clock.date", 0.2, "morning"),
    )),
    Kind("assistant", 0.8, False, False, (
        _command("assistant.nevermind", 0.5, "awake"),
        _command("assistant.broadcast", 0.2, "cooking", message=1.0),
    )),
    Kind("sensor", 0.5, True, True, (_command("sensor.state", 0.9, "awake"),)),
    Kind("climate", 0.5, True, True, (
        _command("climate.set", 1.5, "awake", "set", temperature=1.0),
        _command("climate.get", 1.0, "awake"),
        _command("climate.off", 0.2, "bed"),
    )),
    Kind("switch", 0.6, True, True, (
        _command("switch.on", 1.4, "morning"),
        _command("switch.off", 1.2, "bed"),
    )),
    Kind("fan", 0.25, True, True, (
        _command("fan.on", 1.0, "evening"),
        _command("fan.off", 0.9, "bed"),
        _command("fan.speed", 0.5, "evening", "speed", percentage=1.0),
    )),
    Kind("scene", 0.45, True, True, (_command("scene.on", 1.6, "evening"),)),
    Kind("script", 0.15, True, True, (_command("script.run", 0.8, "awake"),)),
    Kind("vacuum", 0.35, False, True, (
        _command("vacuum.start", 0.7, "day"),
        _command("vacuum.dock", 0.4, "day"),
    )),
    Kind("mower", 0.05, False, True, (
        _command("mower.start", 0.4, "day"),
        _command("mower.dock", 0.3, "dusk"),
    )),
    Kind("blind", 0.35, True, True, (
        _command("blind.open", 0.4, "day"),
        _command("blind.close", 0.5, "evening"),
        _command("blind.position", 0.3, "day", position=1.0),
    )),
    Kind("garage", 0.25, False, True, (
        _command("garage.open", 0.08, "day"),
        _command("garage.close", 0.05, "awake"),
        _command("garage.state", 0.2, "bed"),
    )),
    Kind("lock", 0.4, True, True, (
        _command("lock.unlock", 0.1, "day"),
        _command("lock.lock", 0.2, "evening"),
        _command("lock.state", 0.5, "bed"),
    )),
    Kind("alarm", 0.15, False, True, (_command("alarm.arm", 0.0, "bed"),
        _command("alarm.disarm", 0.0, "morning"),
    )),
    Kind("oven", 0.1, False, True, (
        _command("oven.on", 0.3, "cooking", temperature=0.6),
        _command("oven.off", 0.2, "cooking"),
    )),
    Kind("valve", 0.06, True, True, (
        _command("valve.open", 0.4, "day"),
        _command("valve.close", 0.3, "day"),
    )),
    Kind("heater", 0.08, False, True, (
        _command("heater.on", 0.4, "morning"),
        _command("heater.off", 0.3, "bed"),
    )),
    Kind("wake", 0.4, False, False, (
        _command("wake.set", 0.8, "bed", time=1.0),
        _command("wake.cancel", 0.2, "morning"),
    )),
    Kind("news", 0.4, False, False, (_command("news.get", 0.9, "morning"),)),
    Kind("message", 0.3, False, False, (
        _command("message.send", 0.3, "awake", contact=1.0, text=0.9),
        _command("message.call", 0.3, "awake", contact=1.0),
    )),
    Kind("shop", 0.15, False, False, (_command("shop.buy", 0.15, "evening", item=1.0),)),
)  # fmt: skip

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {command.name: command for kind in KINDS for command in kind.commands}
)
