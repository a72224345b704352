"""What the plugin does with an utterance: wait for a reply to it, pass it on, or end it."""

from __future__ import annotations

from typing import Any

from ovos_bus_client.message import Message
from ovos_bus_client.session import SessionManager

from streams.runtimes.ovos.sources import DEFAULT, Source

__all__ = ["SKILL", "end_utterance", "handle_again", "wait_for_reply"]

#: The id under which this plugin speaks, and asks for replies.
SKILL = "misfire"


def wait_for_reply(bus: Any, message: Message, *, waits: bool) -> None:
    """Make ovos-core pass the session's next utterance to this plugin, or stop that."""
    session = SessionManager.get(message)
    (session.enable_response_mode if waits else session.disable_response_mode)(SKILL)
    message.context["session"] = session.serialize()
    topic = "enable" if waits else "disable"
    bus.emit(message.forward(f"skill.converse.get_response.{topic}", {"skill_id": SKILL}))


def handle_again(bus: Any, message: Message, source: Source) -> None:
    """Have ovos-core handle an utterance as a command that it took for a reply."""
    # A reply to a reply has the utterance's own direction.
    again = message.reply("recognizer_loop:utterance", message.data)
    if source.session_id == DEFAULT:
        # ovos-core has replaced the session that named the device.
        again.context["session"] = {**again.context["session"], "site_id": source.device}
    bus.emit(again)


def end_utterance(bus: Any, message: Message, say: str, *, listens: bool = False) -> None:
    """Speak, and end the utterance for the client."""
    message.context["skill_id"] = SKILL
    data = {"utterance": say, "expect_response": listens, "lang": message.data.get("lang")}
    bus.emit(message.forward("speak", data))
    bus.emit(message.forward("ovos.utterance.handled", {}))
