"""A voice pipeline of Wyoming: its services, the bridge between them, and what a user says.

Servers and clients are those of the package ``wyoming``.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from wyoming.asr import Transcript
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import Attribution, Describe, HandleModel, HandleProgram, Info
from wyoming.intent import Entity, Intent, NotRecognized, Recognize
from wyoming.server import AsyncEventHandler, AsyncServer

from detector.contracts.challenge_words import words_in
from streams.local.processes import free_port
from streams.runtimes import AskingHook, Gate
from streams.runtimes.bridges.wyoming import Services, WyomingBridge
from streams.runtimes.bridges.wyoming_server import serve
from streams.runtimes.contract import PIN, PROOF_KEY, Command, Turn

__all__ = ["Pipeline", "runtime", "unguarded"]

TURN_SECONDS = 20.0


class Recognizer(AsyncEventHandler):
    """An intent service that understands JSON."""

    async def handle_event(self, event: Event) -> bool:
        try:
            found = json.loads(Recognize.from_event(event).text)
        except ValueError:
            await self.write_event(NotRecognized(text="Sorry, what?").event())
            return True
        entities = [Entity(name, value) for name, value in found["slots"].items()]
        await self.write_event(Intent(found["intent"], entities).event())
        return True


class Pipeline:
    """A pipeline that sends transcripts to a handling service, or to the services in turn."""

    def __init__(self, hook: AskingHook | None, *, handles: bool = True) -> None:
        self.ran: list[str] = []
        self._hook = hook
        self._question, self._device = "", "kitchen"
        self._now: datetime | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        pipeline = self

        class Handler(AsyncEventHandler):
            """A service that executes intents."""

            async def handle_event(self, event: Event) -> bool:
                if Describe.is_type(event.type):
                    await self.write_event(_info().event())
                    return True
                pipeline.ran.append(Intent.from_event(event).name)
                await self.write_event(Handled(text="Done.").event())
                return True

        self.recognizer, self.handler = (self._serves(service) for service in (Recognizer, Handler))
        self.address = ""
        if hook is not None:
            gate = Gate(
                hook,
                runtime="wyoming",
                pin=PIN,
                proof_key=PROOF_KEY,
                now=lambda: self._now or datetime.now(UTC),
            )
            services = Services(
                recognize=self.recognizer, handle=self.handler if handles else None, seconds=5
            )
            self.bridge = WyomingBridge(gate, services)
            self.address = f"tcp://127.0.0.1:{free_port()}"
            self._later(serve(self.bridge, self.address))
        self._run(_reachable(self.address or self.handler))

    def say(self, command: Command) -> Turn:
        self._device, self._now = command.device, command.time
        text = json.dumps({"intent": command.intent, "slots": dict(command.slots)})
        return self.hear(Transcript(text=text, context=self._context()).event())

    def answer(self, accepted: bool) -> Turn:
        words = ("yes", PIN, *words_in(self._question)) if accepted else ("no",)
        return self.hear(Transcript(text=" ".join(words), context=self._context()).event())

    def hear(self, event: Event) -> Turn:
        """Send an event of the pipeline; return what happened."""
        ran, reports = len(self.ran), self._reports()
        if self.address:
            answer = self.ask(self.address, event)
        else:
            text = str(event.data["text"])
            intent = self.ask(self.recognizer, Recognize(text=text).event())
            answer = self.ask(self.handler, intent)
        if Intent.is_type(answer.type):
            self.ran.append(Intent.from_event(answer).name)
        # The bridge reports after it has answered.
        until = time.monotonic() + TURN_SECONDS
        while self._hook and self._reports() - reports < len(self.ran) - ran:
            assert time.monotonic() < until
            time.sleep(0.005)
        said = str(answer.data.get("text") or "")
        asks = (answer.data.get("context") or {}).get("misfire") == "confirm"
        self._question = said if asks else ""
        return Turn(ran=self.ran[ran:], said=said, asks=asks)

    def ask(self, uri: str, event: Event) -> Event:
        """Send one event to a service and return its answer."""
        answer: Event = self._run(_exchange(uri, event))
        return answer

    def _reports(self) -> int:
        return len(getattr(self._hook, "outcomes", ()))

    def close(self) -> None:
        self._run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _context(self) -> dict[str, Any]:
        return {"conversation_id": f"talk-{self._device}", "satellite_id": self._device}

    def _serves(self, service: type[AsyncEventHandler]) -> str:
        uri = f"tcp://127.0.0.1:{free_port()}"
        self._later(AsyncServer.from_uri(uri).run(service))
        self._run(_reachable(uri))
        return uri

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TURN_SECONDS)


async def _exchange(uri: str, event: Event) -> Event:
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(event)
        answer = await client.read_event()
        assert isinstance(answer, Event)
        return answer


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _reachable(uri: str) -> None:
    while True:
        try:
            async with AsyncClient.from_uri(uri):
                return
        except OSError:
            await asyncio.sleep(0.01)


def _info() -> Info:
    about = {"attribution": Attribution("test", ""), "installed": True, "version": "1"}
    model = HandleModel(name="home", description="", languages=["en"], **about)  # type: ignore[arg-type]
    program = HandleProgram(name="home", description="", models=[model], **about)  # type: ignore[arg-type]
    return Info(handle=[program])


def runtime(hook: AskingHook) -> Pipeline:
    return Pipeline(hook)


def unguarded() -> Pipeline:
    return Pipeline(None)
