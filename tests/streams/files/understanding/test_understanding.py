from __future__ import annotations

import doctest
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import RiskClass
from detector.contracts.events import INTENT_FORM, Act
from streams.errors import UsageError
from streams.files.policy import read_policy
from streams.files.understanding import OTHER, Understanding, devices, home_rules, rule, wording
from streams.files.understanding.rule import _groups
from streams.files.understanding.wording import LONGEST_TEXT, reduced

#: What homes say, and its intent; made up.
SAID = {
    "Alexa, turn on the kitchen lights": "light.HassTurnOn",
    "lights out": "light.HassTurnOff",
    "turn the bedside lamp on": "light.HassTurnOn",
    "dim the lights to 20 percent": "light.HassLightSet",
    "set bedroom light to red": "light.HassLightSet",
    "lock the front door": "lock.HassTurnOn",
    "unlock the back door": "lock.HassTurnOff",
    "is the front door locked": "lock.HassGetState",
    "open the front door": "cover.HassTurnOn",
    "open the garage": "cover.HassTurnOn",
    "close the garage door": "cover.HassTurnOff",
    "set the blinds to 50 percent": "cover.HassSetPosition",
    "arm the security system": "alarm_control_panel.HassTurnOn",
    "disarm the alarm": "alarm_control_panel.HassTurnOff",
    "set thermostat to 68": "climate.HassClimateSetTemperature",
    "what's the temperature in the bedroom": "climate.HassClimateGetTemperature",
    "what's the temperature outside": "weather.HassGetWeather",
    "turn on the tv": "media_player.HassTurnOn",
    "turn on the fan": "fan.HassTurnOn",
    "turn on the coffee machine": "switch.HassTurnOn",
    "preheat the oven to 180": "appliances.HassTurnOn",
    "start the vacuum": "vacuum.HassVacuumStart",
    "turn on the sprinklers": "valve.HassTurnOn",
    "run the bedtime routine": "script.HassTurnOn",
    "turn everything off": "homeassistant.HassTurnOff",
    "turn on movie night": "homeassistant.HassTurnOn",
    "volume five": "media_player.HassSetVolume",
    "turn it up": "media_player.HassSetVolumeRelative",
    "mute": "media_player.HassMediaPlayerMute",
    "skip": "media_player.HassMediaNext",
    "stop": "media_player.HassMediaPause",
    "play some jazz": "media_player.HassMediaSearchAndPlay",
    "play bbc radio two": "music.PlayRadio",
    "play the next episode of my podcast": "music.PlayPodcast",
    "what song is this": "music.LookupSong",
    "set a timer for ten minutes": "timer.HassStartTimer",
    "cancel the timer": "timer.HassCancelTimer",
    "how long is left on the timer": "timer.HassTimerStatus",
    "set alarm for 7 am": "alarms.SetAlarm",
    "wake me up at 7": "alarms.SetAlarm",
    "stop the alarm": "alarms.CancelAlarm",
    "remind me to take out the bins at 8 pm": "reminders.SetReminder",
    "what's on my calendar today": "calendar.GetEvents",
    "add milk to the shopping list": "todo.HassListAddItem",
    "what's on my shopping list": "lists.ReadList",
    "order more paper towels": "shopping.BuyItem",
    "call mum": "calls.PlaceCall",
    "drop in on the kitchen": "calls.DropIn",
    "text dave i'm late": "messages.SendMessage",
    "announce dinner is ready": "assist.HassBroadcast",
    "call an uber": "rides.OrderRide",
    "will it rain today": "weather.HassGetWeather",
    "what time is it": "assist.HassGetCurrentTime",
    "read me the news": "news.GetHeadlines",
    "traffic to work": "travel.GetTraffic",
    "tell me a joke": "conversation.TellJoke",
    "what's five plus seven": "questions.GetCalculation",
    "who was the first president": "questions.GetAnswer",
    "never mind": "assist.HassNevermind",
    "thank you": "conversation.Thanks",
    "colourless green ideas sleep furiously": OTHER,
    "": OTHER,
}


@cache
def understanding(language: str = "en") -> Understanding:
    return Understanding(language)


@pytest.mark.parametrize("text", SAID)
def test_common_commands_have_their_intents(text: str) -> None:
    assert understanding().of(text).intent == SAID[text]


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("unlock the back door", {"name": "back door"}),
        ("turn the bedside lamp on", {"name": "bedside lamp"}),
        ("turn on the kitchen lights", {"area": "kitchen"}),
        ("set a timer for ten minutes", {"minutes": "10"}),
        ("call mum", {"contact": "mum"}),
        ("set an alarm for seven", {"time": "seven"}),
        ("set an alarm", {}),
        ("add milk to the shopping list", {"item": "milk"}),
    ],
)
def test_slots_are_words_of_the_text(text: str, slots: dict[str, str]) -> None:
    assert dict(understanding().of(text).slots) == slots


@pytest.mark.parametrize(
    ("text", "act", "commits"),
    [
        ("yes", Act.AFFIRM, False),
        ("no", Act.DENY, False),
        ("thanks", Act.THANK, False),
        ("goodbye", Act.END, False),
        ("what time is it", Act.INITIATE, True),
    ],
)
def test_texts_have_their_acts(text: str, act: Act, commits: bool) -> None:
    found = understanding().of(text)
    assert (found.act, found.commits) == (act, commits)


def test_the_policy_names_every_intent_of_the_rules() -> None:
    policy = read_policy(None)
    intents = {each.intent for rules in _groups().values() for each in rules} | set(SAID.values())
    unnamed = {intent for intent in intents if not policy.classify(intent).named}
    assert unnamed == {OTHER}


@pytest.mark.parametrize(
    ("text", "risk"),
    [
        ("unlock the back door", RiskClass.PHYSICAL),
        ("disarm the alarm", RiskClass.PHYSICAL),
        ("open the garage", RiskClass.PHYSICAL),
        ("turn everything off", RiskClass.PHYSICAL),
        ("order more paper towels", RiskClass.PURCHASE),
        ("call an uber", RiskClass.PURCHASE),
        ("text dave i'm late", RiskClass.PRIVATE_OUTBOUND),
        ("call mum", RiskClass.PRIVATE_OUTBOUND),
        ("play some jazz", RiskClass.REVERSIBLE),
        ("what time is it", RiskClass.READ_ONLY),
        ("is the front door locked", RiskClass.READ_ONLY),
    ],
)
def test_a_spoken_command_has_its_risk_class(text: str, risk: RiskClass) -> None:
    assert read_policy(None).risk_class(understanding().of(text).intent) is risk


def test_other_languages_have_home_assistants_sentences() -> None:
    assert understanding("de").of("Wie spät ist es?").intent == "assist.HassGetCurrentTime"
    assert understanding("de").of("unlock the back door").intent == OTHER


def test_an_unknown_language_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="choose from"):
        Understanding("tlh")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Alexa, turn the lights OFF!", "turn the lights off"),
        ("Hey Google, could you please turn the lights off for me?", "turn the lights off"),
        ("what's on", "what is on"),
        ("what\u2019s on", "what is on"),
        ("ok nabu", ""),
        ("Alexa!", ""),
        ("\uff41lexa  stop", "stop"),
        ("it is 20.5 \u00b0", "it is 20.5 \u00b0"),
        ("computer", ""),
        ("turn on the computer", "turn on the computer"),
    ],
)
def test_a_text_is_reduced_to_the_form_that_rules_read(text: str, form: str) -> None:
    assert reduced(text) == form


def test_a_long_text_is_not_a_command() -> None:
    assert understanding().of("turn on the light " * LONGEST_TEXT).intent == OTHER


@given(st.text(max_size=80))
def test_any_text_has_an_intent(text: str) -> None:
    assert INTENT_FORM.fullmatch(understanding().of(text).intent)


@pytest.mark.parametrize("module", [devices, home_rules, rule, wording])
def test_examples_in_docstrings_run(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
