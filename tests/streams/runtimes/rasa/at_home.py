"""An action server that plays a month, in the environment of rasa-sdk.

``python -m tests.streams.runtimes.rasa.at_home PORT GATEWAY_PORT`` serves it for ``misfire runtimes
play http://127.0.0.1:PORT``, and the same without the guard at the next port.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor

from detector.contracts.challenge_words import words_in
from streams.hook import Hook
from streams.runtimes import Gate
from streams.runtimes.contract import PIN, PROOF_KEY, Command, Turn
from streams.runtimes.rasa import ANSWER, QUESTION, ActionGuard

__all__ = ["AtHome"]


class AtHome:
    """An action for every intent, guarded if there is a hook."""

    def __init__(self, hook: Hook | None) -> None:
        self.ran: list[str] = []
        self._command = Command(intent="")
        self._slots: dict[str, Any] = {}
        self._said = ""
        self._names: dict[tuple[str, ...], str] = {}
        self._loop = asyncio.new_event_loop()
        self._executor = ActionExecutor()
        self._guard: ActionGuard | None = None
        if hook is not None:
            gate = Gate(
                hook,
                runtime="rasa",
                pin=PIN,
                proof_key=PROOF_KEY,
                now=lambda: self._command.time or datetime.now(UTC),
            )
            self._guard = ActionGuard(gate)
            self._executor.register_action(self._guard.answering())

    def say(self, command: Command) -> Turn:
        self._command = command
        self._slots = {QUESTION: None, **command.slots}
        return self._call(self._action(command), "request", "please")

    def answer(self, accepted: bool) -> Turn:
        text = " ".join(("yes", PIN, *words_in(self._said))) if accepted else "no"
        return self._call(ANSWER, "affirm" if accepted else "deny", text)

    def _action(self, command: Command) -> str:
        key = (command.intent, *sorted(command.slots))
        if key not in self._names:
            called = self._names[key] = f"action_{len(self._names)}"
            ran = self.ran

            async def run(self: Any, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:  # noqa: ARG001
                ran.append(command.intent)
                return []

            guarded = self._guard(key[0], slots=key[1:])(run) if self._guard else run
            members = {"name": lambda _: called, "run": guarded}
            self._executor.register_action(type("Executes", (Action,), members)())
        return self._names[key]

    def _call(self, action: str, intent: str, text: str) -> Turn:
        before = len(self.ran)
        device = self._command.device
        tracker = {
            "sender_id": device,
            "slots": self._slots,
            "latest_message": {"text": text, "intent": {"name": intent}, "entities": []},
            "latest_event_time": 1.0,
            "paused": False,
            "followup_action": None,
            "events": [],
            "latest_input_channel": "rest",
            "active_loop": {},
            "latest_action_name": "action_listen",
        }
        request = {
            "next_action": action,
            "sender_id": device,
            "tracker": tracker,
            "domain": {},
            "version": "3.21.1",
        }
        answer: Any = self._loop.run_until_complete(self._executor.run(request))
        for event in answer.events:
            if event["event"] == "slot":
                self._slots[event["name"]] = event["value"]
        self._said = " ".join(str(each.get("text") or "") for each in answer.responses)
        asks = bool(self._slots.get(QUESTION))
        return Turn(ran=self.ran[before:], said=self._said, asks=asks)


def _serve(runtime: AtHome, port: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "time" in body:
                body["time"] = datetime.fromisoformat(body["time"])
            says = self.path == "/say"
            turn = runtime.say(Command(**body)) if says else runtime.answer(body["accepted"])
            text = json.dumps({"ran": list(turn.ran), "said": turn.said, "asks": turn.asks})
            self.send_response(200)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    port, gateway = map(int, sys.argv[1:])
    Thread(target=_serve, args=(AtHome(None), port + 1), daemon=True).start()
    _serve(AtHome(Hook(f"http://127.0.0.1:{gateway}", deadline_ms=60_000)), port)
