"""The measured constants of a capacity plan, each with the command that prints it.

Apart from these, a plan contains only arithmetic (``plan.py``). Run the commands again after a
change of cost, and update the values here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["MEASURED", "Measured"]

_TRAFFIC = "misfire bench traffic --households 200 --days 28"
_RECOVERY = "misfire bench recovery --broker HOST:PORT --households 1000,10000,100000"
_HOOK = "misfire bench hook --broker HOST:PORT --rates 250 --ways ac"
_BROKER = "misfire bench hook --broker HOST:PORT --broker-pid PID --rates 60 --ways c"
_SOAK = "misfire bench soak --broker HOST:PORT --broker-pid PID --rate 4"


@dataclass(frozen=True, slots=True)
class Measured:
    """A constant: its value and unit, what it is, and the command that prints it."""

    value: float
    unit: str
    meaning: str
    command: str


MEASURED: Mapping[str, Measured] = MappingProxyType(
    {
        "events_per_command": Measured(
            1.5,
            "events",
            "events of a household for each command, half of them dialogues",
            _TRAFFIC,
        ),
        "peak": Measured(
            2.7,
            "times",
            "events in the busiest hour of the day, over those in a mean hour",
            _TRAFFIC,
        ),
        "intent": Measured(730, "bytes", "record of assistant.intents", _TRAFFIC),
        "decision": Measured(813, "bytes", "record of assistant.decisions", _TRAFFIC),
        "reply": Measured(777, "bytes", "record of assistant.replies", _TRAFFIC),
        "outcome": Measured(334, "bytes", "record of assistant.outcomes", _TRAFFIC),
        "state": Measured(
            4_197, "bytes", "record of misfire.households after four weeks", _TRAFFIC
        ),
        "worker_cpu": Measured(1_925, "us", "CPU of a worker for an event or outcome", _HOOK),
        "gateway_cpu": Measured(1_600, "us", "CPU of a gateway for an event or outcome", _HOOK),
        "broker_cpu": Measured(1_740, "us", "CPU of one broker for an event or outcome", _BROKER),
        "worker_mib": Measured(130, "MiB", "memory of a worker without households", _RECOVERY),
        "household_kib": Measured(4.2, "KiB", "memory of a worker for each household", _RECOVERY),
        "decoded_kib": Measured(
            51.0, "KiB", "memory of a worker for each household that it keeps decoded", _RECOVERY
        ),
        "decoded": Measured(
            5_000, "households", "that a worker keeps decoded, at most", "misfire config limits"
        ),
        "recovered": Measured(
            11_500,
            "records/s",
            "records of the changelog that a worker recovers with a whole core",
            _RECOVERY,
        ),
        "gateway_mib": Measured(146, "MiB", "memory of a gateway", _SOAK),
        "broker_mib": Measured(523, "MiB", "memory of a broker with a heap of 512 MiB", _SOAK),
    }
)
