"""``misfire runtimes bridge``: processes between the parts of an assistant on a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.addresses import check_address
from streams.cli.output import note
from streams.errors import DependencyUnavailable, UsageError
from streams.wire.addresses import HTTP, MQTT, WYOMING

if TYPE_CHECKING:
    from streams.runtimes.gate import Gate

__all__ = ["app"]

app = typer.Typer(
    help="Ask misfire between the parts of an assistant that talk over a network.",
    no_args_is_help=True,
)

File = Annotated[
    Path | None,
    typer.Option(
        help="Household file of the embedded hook; default: ~/.local/share/misfire/home.sqlite."
    ),
]
Url = Annotated[str | None, typer.Option(help="Ask this gateway instead of deciding here.")]
Keyring = Annotated[
    Path | None,
    typer.Option(
        help="Keys of the household's tokens ('misfire keys new'); needed with --url. Without it, "
        "a keyring is made beside the household file."
    ),
]
TokenFile = Annotated[Path | None, typer.Option(help="File with the token for the gateway.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="With --url and --pin-file: the worker's confirmation_key_file."),
]
Household = Annotated[str, typer.Option(help="Id of the household.")]
PinFile = Annotated[
    Path | None,
    typer.Option(
        help="File with the digits that confirm a lock or a purchase. Without it, such a command "
        "is refused if misfire asks."
    ),
]
Domain = Annotated[
    str, typer.Option(help="Domain of intents whose names have none, such as 'lights'.")
]
Deadline = Annotated[int, typer.Option(help="Limit for one decision, in milliseconds.", min=1)]
Yes = Annotated[
    list[str] | None,
    typer.Option(help="Word that accepts a question; repeat it. Default: English words."),
]
No = Annotated[
    list[str] | None,
    typer.Option(help="Word that declines a question; repeat it. Default: English words."),
]


@app.callback()
def bridge() -> None:
    """Ask misfire between the parts of an assistant that talk over a network."""


@app.command()
def hermes(
    rhasspy: Annotated[
        str, typer.Option(help="The dialogue manager's broker, mqtt://HOST:PORT or mqtts://.")
    ],
    skills: Annotated[str, typer.Option(help="The skills' broker; it must be another one.")],
    username: Annotated[str | None, typer.Option(help="Name for both brokers.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password for both brokers.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificate authority of mqtts:// brokers.")
    ] = None,
    yes_intent: Annotated[
        list[str] | None, typer.Option(help="Intent that accepts a question; repeat it.")
    ] = None,
    no_intent: Annotated[
        list[str] | None, typer.Option(help="Intent that declines a question; repeat it.")
    ] = None,
    yes: Yes = None,
    no: No = None,
    file: File = None,
    url: Url = None,
    keyring: Keyring = None,
    token_file: TokenFile = None,
    key_file: KeyFile = None,
    household: Household = "home",
    pin_file: PinFile = None,
    domain: Domain = "assistant",
    deadline_ms: Deadline = 150,
) -> None:
    """Pass intents of the Hermes protocol (Rhasspy) to the skills' broker if they may run.

    Skills connect to the second broker. An intent that may not run never gets there, and its
    session is ended or continued with the sentence to say.
    """
    _needs("paho", "hermes")
    from streams.runtimes.bridges.hermes import HermesBridge
    from streams.runtimes.bridges.mqtt import Mqtt, MqttSettings, bridge_brokers
    from streams.runtimes.questions import Words

    for option, address in (("--rhasspy", rhasspy), ("--skills", skills)):
        check_address(option, address, MQTT)
    if rhasspy == skills:
        raise UsageError(
            "--rhasspy and --skills are the same broker; skills would get every intent"
        )
    clients = [
        Mqtt(
            MqttSettings(url=each, username=username, password_file=password_file, ca_file=ca_file)
        )
        for each in (rhasspy, skills)
    ]
    hook = _hook_settings(file, url, keyring, token_file, key_file) | {"deadline_ms": deadline_ms}
    gate = _gate("hermes", household, pin_file, hook)
    words = Words(**_given(yes=yes, no=no, yes_intents=yes_intent, no_intents=no_intent))
    note(f"passing intents from {rhasspy} to {skills}; stop with Ctrl-C")
    bridge_brokers(
        HermesBridge(gate, *(each.publish for each in clients), domain=domain, words=words),
        *clients,
    )


@app.command()
def wyoming(
    recognize: Annotated[
        str, typer.Option(help="The service that recognises intents, tcp://HOST:PORT.")
    ],
    listen: Annotated[
        str, typer.Option(help="Address to serve, tcp://HOST:PORT or unix:///PATH.")
    ] = "tcp://127.0.0.1:10400",
    handle: Annotated[
        str | None,
        typer.Option(
            help="The service that executes intents. Without it, the client gets the intents that "
            "may run, and executes them."
        ),
    ] = None,
    yes: Yes = None,
    no: No = None,
    file: File = None,
    url: Url = None,
    keyring: Keyring = None,
    token_file: TokenFile = None,
    key_file: KeyFile = None,
    household: Household = "home",
    pin_file: PinFile = None,
    domain: Domain = "assistant",
    deadline_ms: Deadline = 150,
) -> None:
    """Serve the Wyoming protocol in front of services that recognise and execute intents.

    An intent that may not run is answered as not handled, with the sentence to say.
    """
    _needs("wyoming", "wyoming")
    import asyncio

    from streams.runtimes.bridges.wyoming import Services, WyomingBridge
    from streams.runtimes.bridges.wyoming_server import serve
    from streams.runtimes.questions import Words

    check_address("--recognize", recognize, WYOMING)
    check_address("--listen", listen, WYOMING)
    if handle:
        check_address("--handle", handle, WYOMING)
    hook = _hook_settings(file, url, keyring, token_file, key_file) | {"deadline_ms": deadline_ms}
    gate = _gate("wyoming", household, pin_file, hook)
    services = Services(recognize=recognize, handle=handle)
    words = Words(**_given(yes=yes, no=no))
    note(f"serving the Wyoming protocol at {listen}; stop with Ctrl-C")
    try:
        asyncio.run(serve(WyomingBridge(gate, services, words=words, domain=domain), listen))
    except OSError as error:
        raise DependencyUnavailable(f"{listen} cannot be served: {error}") from error


def _needs(module: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise DependencyUnavailable(
            f"this bridge needs another package: pip install 'misfire-detector[{extra}]'"
        )


def _hook_settings(
    file: Path | None,
    url: str | None,
    keyring: Path | None,
    token_file: Path | None,
    key_file: Path | None,
) -> dict[str, Any]:
    """Return the settings of ``open_hook``."""
    if url and not keyring:
        raise UsageError("--url needs --keyring: 'misfire keys new FILE' makes one")
    if url:
        check_address("--url", url, HTTP)
    return {
        "file": file,
        "url": url,
        "keyring": keyring,
        "token_file": token_file,
        "key_file": key_file,
    }


def _gate(runtime: str, household: str, pin_file: Path | None, settings: Mapping[str, Any]) -> Gate:
    from streams.runtimes.gate import Gate
    from streams.runtimes.opening import open_hook

    opened = open_hook(settings)
    try:
        pin = pin_file.read_text("utf-8").strip() if pin_file else ""
    except OSError as error:
        raise DependencyUnavailable(f"{pin_file} cannot be read: {error.strerror}") from error
    return Gate(
        opened.hook, household=household, runtime=runtime, pin=pin, proof_key=opened.proof_key
    )


def _given(**words: list[str] | None) -> dict[str, Any]:
    """Return the options that were given; the others keep their defaults."""
    return {name: frozenset(found) for name, found in words.items() if found}
