"""The skills of the simulated assistant: a literal table of commands and questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

__all__ = ["CATALOGUE", "DOMAINS", "Shape", "Skill"]


class Shape(Enum):
    """The form of a dialogue about a skill."""

    #: One turn, which commits.
    ONE_SHOT = auto()
    #: A request, its details, and a yes.
    CONFIRMED = auto()
    #: A search, a choice, and then the command.
    AFTER_SEARCH = auto()
    #: A question, which does not commit.
    QUESTION = auto()


@dataclass(frozen=True, slots=True)
class Skill:
    """One intent: its shape, the probability of each slot, and the search that precedes it."""

    intent: str
    shape: Shape
    slots: Mapping[str, float]
    search: str | None = None

    @property
    def domain(self) -> str:
        """The part of the intent before the dot."""
        return self.intent.partition(".")[0]


def _skill(intent: str, shape: Shape, search: str | None = None, **slots: float) -> Skill:
    return Skill(intent, shape, MappingProxyType(slots), search)


CATALOGUE: tuple[Skill, ...] = (
    _skill("messages.SendMessage", Shape.CONFIRMED, contact=1.0, text=0.9),
    _skill("messages.ReadMessages", Shape.QUESTION, contact=0.3),
    _skill("calls.PlaceCall", Shape.CONFIRMED, contact=1.0, line=0.3),
    _skill("lights.TurnOn", Shape.ONE_SHOT, room=0.9),
    _skill("lights.TurnOff", Shape.ONE_SHOT, room=0.9),
    _skill("lights.Dim", Shape.ONE_SHOT, room=0.9, level=0.8),
    _skill("climate.SetTemperature", Shape.ONE_SHOT, room=0.6, degrees=1.0),
    _skill("climate.GetTemperature", Shape.QUESTION, room=0.5),
    _skill("music.FindSongs", Shape.QUESTION, artist=0.8, genre=0.4),
    _skill("music.PlaySong", Shape.AFTER_SEARCH, "music.FindSongs", song=0.9, room=0.4),
    _skill("music.PlayRadio", Shape.ONE_SHOT, station=0.9),
    _skill("timers.SetTimer", Shape.ONE_SHOT, duration=1.0),
    _skill("timers.CancelTimer", Shape.ONE_SHOT, name=0.3),
    _skill("alarms.SetAlarm", Shape.CONFIRMED, time=1.0, weekday=0.5),
    _skill("shopping.FindItems", Shape.QUESTION, item=1.0, brand=0.3),
    _skill("shopping.BuyItem", Shape.AFTER_SEARCH, "shopping.FindItems", item=1.0, amount=0.6),
    _skill("lists.AddItem", Shape.ONE_SHOT, item=1.0, list=0.5),
    _skill("lists.ReadList", Shape.QUESTION, list=0.6),
    _skill("calendar.GetEvents", Shape.QUESTION, day=0.9),
    _skill("calendar.AddEvent", Shape.CONFIRMED, title=0.9, day=1.0, time=0.8),
    _skill("security.LockDoor", Shape.CONFIRMED, door=1.0),
    _skill("security.UnlockDoor", Shape.CONFIRMED, door=1.0),
    _skill("security.CheckDoor", Shape.QUESTION, door=0.8),
    _skill("kitchen.StartOven", Shape.CONFIRMED, degrees=1.0, minutes=0.6),
    _skill("kitchen.FindRecipe", Shape.QUESTION, dish=0.9),
    _skill("weather.GetForecast", Shape.QUESTION, day=0.6, city=0.3),
    _skill("news.GetHeadlines", Shape.QUESTION, topic=0.4),
    _skill("restaurants.FindRestaurants", Shape.QUESTION, cuisine=0.8, city=0.6),
    _skill(
        "restaurants.ReserveTable",
        Shape.AFTER_SEARCH,
        "restaurants.FindRestaurants",
        time=1.0,
        people=0.9,
    ),
    _skill("rides.FindRide", Shape.QUESTION, place=1.0),
    _skill("rides.OrderRide", Shape.AFTER_SEARCH, "rides.FindRide", place=1.0, people=0.4),
    _skill("services.FindProvider", Shape.QUESTION, trade=1.0, city=0.5),
    _skill(
        "services.BookAppointment", Shape.AFTER_SEARCH, "services.FindProvider", day=1.0, time=0.8
    ),
    _skill("photos.ShareAlbum", Shape.CONFIRMED, album=1.0, contact=1.0),
    _skill("photos.FindAlbum", Shape.QUESTION, album=0.8),
)

#: Domain -> (its skills, how common the domain is among households).
DOMAINS: Mapping[str, tuple[tuple[Skill, ...], float]] = MappingProxyType(
    {
        domain: (tuple(skill for skill in CATALOGUE if skill.domain == domain), weight)
        for domain, weight in {
            "messages": 0.6,
            "calls": 0.5,
            "lights": 1.0,
            "climate": 0.5,
            "music": 1.0,
            "timers": 0.9,
            "alarms": 0.5,
            "shopping": 0.5,
            "lists": 0.6,
            "calendar": 0.5,
            "security": 0.4,
            "kitchen": 0.3,
            "weather": 0.9,
            "news": 0.5,
            "restaurants": 0.3,
            "rides": 0.3,
            "services": 0.2,
            "photos": 0.2,
        }.items()
    }
)
