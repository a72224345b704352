"""How much of what people say is understood: SLURP's references, and the intent of each.

A text is understood if it has another intent than ``other.Request``. It is right if its intent is
one of those that ``EXPECTED`` lists for SLURP's, and its domain is right if it is one of theirs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from detector.contracts.events import domain_of
from detector.progress import Progress, silent
from detector.simulation.misfires import Heard
from streams.files.understanding import OTHER

__all__ = ["EXPECTED", "Share", "measure_understanding"]

_PLAY = "media_player.HassMediaSearchAndPlay"
#: The intents that are right for each intent of SLURP, by the names of ``streams.files.slurp``.
EXPECTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "alarm.Query": ("alarms.GetAlarms",),
        "alarm.Remove": ("alarms.CancelAlarm",),
        "alarm.Set": ("alarms.SetAlarm",),
        "audio.Volumedown": ("media_player.HassSetVolumeRelative",),
        "audio.Volumemute": ("media_player.HassMediaPlayerMute",),
        "audio.Volumeother": ("media_player.HassSetVolume", "media_player.HassSetVolumeRelative"),
        "audio.Volumeup": ("media_player.HassSetVolumeRelative",),
        "calendar.Query": ("calendar.GetEvents", "reminders.GetReminders"),
        "calendar.Remove": ("calendar.DeleteEvent",),
        "calendar.Set": ("calendar.AddEvent", "reminders.SetReminder"),
        "cooking.Recipe": ("recipes.FindRecipe",),
        "datetime.Convert": ("time.ConvertTime",),
        "datetime.Query": ("assist.HassGetCurrentTime", "assist.HassGetCurrentDate"),
        "email.Addcontact": ("contacts.AddContact",),
        "email.Query": ("email.ReadEmail",),
        "email.Querycontact": ("contacts.FindContact",),
        "email.Sendemail": ("email.SendEmail",),
        "general.Greet": ("conversation.Greet",),
        "general.Joke": ("conversation.TellJoke",),
        "iot.Cleaning": ("vacuum.HassVacuumStart", "vacuum.HassVacuumCleanArea"),
        "iot.Coffee": ("appliances.MakeCoffee", "switch.HassTurnOn"),
        "iot.Huelightchange": ("light.HassLightSet",),
        "iot.Huelightdim": ("light.HassLightSet",),
        "iot.Huelightoff": ("light.HassTurnOff",),
        "iot.Huelighton": ("light.HassTurnOn",),
        "iot.Huelightup": ("light.HassLightSet",),
        "iot.Wemooff": ("switch.HassTurnOff",),
        "iot.Wemoon": ("switch.HassTurnOn",),
        "lists.Createoradd": ("todo.HassListAddItem",),
        "lists.Query": ("lists.ReadList",),
        "lists.Remove": ("todo.HassListRemoveItem", "todo.HassListCompleteItem"),
        "music.Dislikeness": ("music.DislikeSong",),
        "music.Likeness": ("music.LikeSong",),
        "music.Query": ("music.LookupSong",),
        "news.Query": ("news.GetHeadlines",),
        "play.Audiobook": ("music.PlayAudiobook",),
        "play.Game": ("media.PlayGame",),
        "play.Music": (_PLAY, "media_player.HassMediaNext", "media_player.HassMediaUnpause"),
        "play.Podcasts": ("music.PlayPodcast", "media_player.HassMediaNext"),
        "play.Radio": ("music.PlayRadio",),
        "qa.Currency": ("questions.GetExchangeRate",),
        "qa.Definition": ("questions.GetDefinition",),
        "qa.Factoid": ("questions.GetAnswer",),
        "qa.Maths": ("questions.GetCalculation",),
        "qa.Stock": ("questions.GetStockPrice",),
        "recommendation.Events": ("events.FindEvents",),
        "recommendation.Locations": ("places.FindPlaces",),
        "recommendation.Movies": ("movies.FindMovies",),
        "social.Post": ("social.SendPost",),
        "social.Query": ("social.GetPosts",),
        "takeaway.Order": ("restaurants.OrderTakeaway",),
        "takeaway.Query": ("restaurants.FindTakeaway",),
        "transport.Query": ("travel.FindConnection",),
        "transport.Taxi": ("rides.OrderRide",),
        "transport.Ticket": ("travel.BuyTicket",),
        "transport.Traffic": ("travel.GetTraffic",),
        "weather.Query": ("weather.HassGetWeather",),
        # Chat about anything: right is what belongs to no command.
        "general.Quirky": ("conversation.Greet", "conversation.Thanks", "conversation.Bye"),
    }
)


@dataclass(frozen=True, slots=True)
class Share:
    """Shares of some texts: understood, with the right intent, and with the right domain."""

    texts: int
    understood: float
    right: float
    right_domain: float


def measure_understanding(
    heard: Sequence[Heard], intent_of: Callable[[str], str], progress: Progress = silent
) -> dict[str, Share]:
    """Measure all different references, and two halves of them.

    The rules were tuned on the half ``tuned``, and not on the half ``held out``.
    """
    meant = {each.said: each.meant for each in reversed(heard)}
    judged: dict[str, tuple[str, str]] = {}
    for number, (text, intent) in enumerate(meant.items(), 1):
        judged[text] = intent, intent_of(text)
        progress("understanding", number, len(meant))
    halves = {"tuned": 0, "held out": 1}
    return {"all": _share(judged.values())} | {
        name: _share([pair for text, pair in judged.items() if zlib.crc32(text.encode()) % 2 == at])
        for name, at in halves.items()
    }


def _share(pairs: Collection[tuple[str, str]]) -> Share:
    count = max(len(pairs), 1)
    wanted = [(EXPECTED.get(meant, ()), found) for meant, found in pairs]
    return Share(
        texts=len(pairs),
        understood=sum(found != OTHER for _, found in wanted) / count,
        right=sum(found in names for names, found in wanted) / count,
        right_domain=sum(domain_of(found) in set(map(domain_of, names)) for names, found in wanted)
        / count,
    )
