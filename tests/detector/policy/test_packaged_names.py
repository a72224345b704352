"""The packaged policy classifies the names that common runtimes use, and none too mildly."""

import pytest

from detector.contracts.decisions import RiskClass
from detector.simulation.households import CATALOGUE
from tests.detector.builders import policy

PACKAGED = policy()

#: https://developers.home-assistant.io/docs/intent_builtin, named as by adapters: domain, intent.
HOME_ASSISTANT = {
    RiskClass.READ_ONLY: (
        "weather.HassGetWeather",
        "sensor.HassGetState",
        "lock.HassGetState",
        "cover.HassGetState",
        "assist.HassGetCurrentTime",
        "assist.HassGetCurrentDate",
        "timer.HassTimerStatus",
        "assist.HassTimerStatus",
    ),
    RiskClass.REVERSIBLE: (
        "light.HassTurnOn",
        "light.HassTurnOff",
        "light.HassLightSet",
        "light.HassToggle",
        "fan.HassFanSetSpeed",
        "climate.HassClimateSetTemperature",
        "humidifier.HassHumidifierSetpoint",
        "media_player.HassMediaPause",
        "media_player.HassMediaUnpause",
        "media_player.HassMediaNext",
        "media_player.HassMediaPrevious",
        "media_player.HassMediaSearchAndPlay",
        "media_player.HassMediaPlayerMute",
        "media_player.HassSetVolume",
        "media_player.HassSetVolumeRelative",
        "timer.HassStartTimer",
        "timer.HassCancelTimer",
        "timer.HassPauseTimer",
        "assist.HassCancelAllTimers",
        "assist.HassNevermind",
        "assist.HassRespond",
        "assist.HassBroadcast",
        "todo.HassListAddItem",
        "todo.HassListCompleteItem",
        "todo.HassShoppingListAddItem",
        "vacuum.HassVacuumStart",
        "vacuum.HassVacuumReturnToBase",
    ),
    RiskClass.PHYSICAL: (
        "lock.HassTurnOn",
        "lock.HassTurnOff",
        "Lock.HassTurnOff",
        "cover.HassTurnOn",
        "cover.HassTurnOff",
        "cover.HassOpenCover",
        "cover.HassCloseCover",
        "cover.HassSetPosition",
        "valve.HassTurnOn",
        "valve.HassSetPosition",
        "alarm_control_panel.HassTurnOff",
        "siren.HassTurnOn",
        "water_heater.HassTurnOn",
        "lawn_mower.HassLawnMowerStartMowing",
        "switch.HassTurnOn",
        "input_boolean.HassTurnOff",
        "button.HassTurnOn",
        "scene.HassTurnOn",
        "script.HassTurnOn",
        "automation.HassTurnOff",
        "shell_command.reboot",
        "homeassistant.HassTurnOff",
        "group.HassTurnOff",
        "assist.HassOpenCover",
    ),
}
#: https://developer.amazon.com/docs/custom-skills/standard-built-in-intents.html
ALEXA = [
    f"AMAZON.{name}Intent"
    for name in (
        *(
            "Cancel",
            "Fallback",
            "Help",
            "LoopOff",
            "LoopOn",
            "More",
            "NavigateHome",
            "NavigateSettings",
            "Next",
            "No",
        ),
        *(
            "PageDown",
            "PageUp",
            "Pause",
            "Previous",
            "Repeat",
            "Resume",
            "ScrollDown",
            "ScrollLeft",
            "ScrollRight",
        ),
        *("ScrollUp", "Select", "ShuffleOff", "ShuffleOn", "StartOver", "Stop", "Yes"),
    )
]


@pytest.mark.parametrize(
    ("intent", "risk"),
    [(intent, risk) for risk, intents in HOME_ASSISTANT.items() for intent in intents],
)
def test_home_assistants_intents_have_the_class_of_their_domain(
    intent: str, risk: RiskClass
) -> None:
    assert PACKAGED.risk_class(intent) is risk
    assert PACKAGED.classify(intent).named is (intent != "assist.HassOpenCover")


@pytest.mark.parametrize("verb", ["HassTurnOn", "HassTurnOff", "HassToggle", "HassSetPosition"])
@pytest.mark.parametrize("domain", ["assist", "hass", "intent", "conversation_agent"])
def test_a_verb_in_an_unknown_domain_is_unclassified(domain: str, verb: str) -> None:
    assert not PACKAGED.classify(f"{domain}.{verb}").named


@pytest.mark.parametrize("intent", ALEXA)
def test_alexas_standard_intents_are_reversible(intent: str) -> None:
    assert PACKAGED.risk_class(intent) is RiskClass.REVERSIBLE


@pytest.mark.parametrize(
    ("intent", "risk"),
    [
        ("ovos_skill_weather_openvoiceos.hourly_forecast_intent", RiskClass.READ_ONLY),
        ("ovos_skill_date_time_openvoiceos.what_time_is_it_intent", RiskClass.READ_ONLY),
        ("ovos_skill_news_openvoiceos.news_intent", RiskClass.READ_ONLY),
        ("skill_ovos_volume_openvoiceos.change_volume", RiskClass.REVERSIBLE),
        ("ovos_skill_alerts_openvoiceos.CreateAlarm", RiskClass.REVERSIBLE),
        ("ocp.play", RiskClass.REVERSIBLE),
    ],
)
def test_the_common_skills_of_open_voice_os_are_named(intent: str, risk: RiskClass) -> None:
    assert PACKAGED.classify(intent).named
    assert PACKAGED.risk_class(intent) is risk


def test_the_skill_of_open_voice_os_that_runs_scripts_is_unclassified() -> None:
    assert not PACKAGED.classify("ovos_skill_cmd_forslund.run_script_intent").named


def test_the_policy_names_the_simulators_catalogue() -> None:
    assert [skill.intent for skill in CATALOGUE if not PACKAGED.classify(skill.intent).named] == []


@pytest.mark.parametrize(
    "intent",
    [
        *(
            "events.BuyEventTickets",
            "restaurants.ReserveRestaurant",
            "services.BookAppointment",
            "ridesharing.GetRide",
        ),
        *(
            "hotels.BookHouse",
            "banks.TransferMoney",
            "media.RentMovie",
            "trains.GetTrainTickets",
            "alarm.AddAlarm",
        ),
        *(
            "homes.ScheduleVisit",
            "media.PlayMovie",
            "music.PlayMedia",
            "calendar.AddEvent",
            "messaging.ShareLocation",
        ),
        *(
            "payment.RequestPayment",
            "restaurants_1.ReserveRestaurant",
            "television.SetChannel_3",
            "light.SwitchOn_6",
        ),
        *(
            "garage.DoorControlOpen_18",
            "other.RefreshRefresh_0",
            "television.AudioMuteUnmute_16",
            "blinds.Open",
        ),
        *(
            "fan.SwitchOff_17",
            "switches.TurnOn",
            "scenes.TurnOn",
            "covers.Close",
            "timers.CancelTimer",
            "lists.AddItem",
        ),
    ],
)
def test_the_policy_names_the_intents_of_the_measured_streams(intent: str) -> None:
    assert PACKAGED.classify(intent).named


@pytest.mark.parametrize(
    ("intent", "risk"),
    [
        ("locks.GetAccessCodes", RiskClass.PHYSICAL),
        ("security.GetIn", RiskClass.PHYSICAL),
        ("house.FindAndUnlock", RiskClass.PHYSICAL),
        ("x.GetAndUnlock", RiskClass.PHYSICAL),
        ("x.ReadyToOpenGate", RiskClass.PHYSICAL),
        ("bank.CheckOut", RiskClass.PURCHASE),
        ("shop.Checkout", RiskClass.PURCHASE),
        ("shop.ListAndBuy", RiskClass.PURCHASE),
        ("messages.ReadyToSend", RiskClass.PRIVATE_OUTBOUND),
        ("wifi.GetPassword", RiskClass.PRIVATE_OUTBOUND),
        ("x.GetStateAndSend", RiskClass.PRIVATE_OUTBOUND),
    ],
)
def test_a_harmless_verb_hides_no_strict_word(intent: str, risk: RiskClass) -> None:
    assert PACKAGED.risk_class(intent) is risk
