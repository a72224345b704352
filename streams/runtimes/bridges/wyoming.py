"""The Wyoming bridge: a service between a voice pipeline and its intent services.

It recognises by one service, asks misfire about the intent, and has it handled by another service
or by the pipeline itself, which runs an ``intent`` that it gets. A command that may not run is
answered as not handled or not recognised, with the sentence to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from wyoming.asr import Transcript
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.handle import Handled, HandledStart, HandledStop, NotHandled
from wyoming.info import Describe, Info
from wyoming.intent import Intent, NotRecognized, Recognize

from detector.contracts.events import OutcomeKind
from streams.hook.calls import warn
from streams.runtimes.gate import NO_ANSWER, Action, Gate, Ruling
from streams.runtimes.heard import Heard
from streams.runtimes.names import intent_of
from streams.runtimes.questions import Questions, Words

__all__ = ["Services", "Turn", "WyomingBridge"]

#: The key of a context that says why there was no result: ``confirm`` or ``block``.
WHY = "misfire"
#: What the user hears after a fault.
FAULT = "I did not do that, because the command could not be handled."


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services behind the bridge, as ``tcp://HOST:PORT`` or ``unix://PATH``.

    ``recognize`` turns text into intents. ``handle`` executes intents; ``None`` if the pipeline
    does. ``seconds`` is the limit for each answer of a service.
    """

    recognize: str
    handle: str | None = None
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A request of the pipeline: its event, the text, and where it comes from."""

    event: Event
    peer: str

    @property
    def text(self) -> str:
        """The recognised text."""
        return str(self.event.data.get("text") or "")

    @property
    def context(self) -> Mapping[str, Any]:
        """What the pipeline wants back with the answer."""
        found = self.event.data.get("context")
        return found if isinstance(found, Mapping) else {}

    @property
    def device(self) -> str:
        """The satellite, or the address of the pipeline."""
        named = (self.context.get(name) for name in ("satellite_id", "device_id", "siteId"))
        return next((str(each) for each in named if each), self.peer)

    @property
    def talk(self) -> tuple[str, str]:
        """What a reply has in common with its question: the device, and the conversation if any."""
        return self.device, str(self.context.get("conversation_id") or "")

    def refusal(self, say: str, why: str) -> Event:
        """Return the answer for a command that does not run."""
        context = {**self.context, WHY: why}
        if Recognize.is_type(self.event.type):
            return NotRecognized(text=say, context=context).event()
        return NotHandled(text=say, context=context).event()


@dataclass(slots=True)
class WyomingBridge:
    """Answers the requests of pipelines. It never raises, and answers each of them.

    Attributes:
        gate: decides.
        services: what recognises and handles.
        words: what accepts and declines a question.
        domain: the domain of intents whose names have none.
    """

    gate: Gate
    services: Services
    words: Words = field(default_factory=Words)
    domain: str = "assistant"
    _questions: Questions[Intent] = field(default_factory=Questions)

    async def replies(self, event: Event, peer: str) -> AsyncIterator[Event]:
        """Yield the answer to an event of a pipeline; nothing to an event that needs none."""
        if Describe.is_type(event.type):
            yield await self._described()
            return
        turn = Turn(event, peer)
        try:
            if Intent.is_type(event.type):
                answers = self._decided(turn, Intent.from_event(event))
            elif Transcript.is_type(event.type) or Recognize.is_type(event.type):
                answers = self._spoken(turn)
            else:
                return
            async for each in answers:
                yield each
        except Exception as error:  # noqa: BLE001 - the pipeline waits for an answer
            warn("a Wyoming request could not be handled (%s)", type(error).__name__)
            yield turn.refusal(FAULT, "block")

    async def _spoken(self, turn: Turn) -> AsyncIterator[Event]:
        asked = self._questions.take(turn.talk, self.gate)
        accepted = self.words.reply(asked[0], turn.text) if asked else None
        if asked is not None and accepted is not None:
            ruling = await asyncio.to_thread(
                self.gate.answer, asked[0], accepted=accepted, said=turn.text
            )
            if ruling.action is Action.RUN:
                async for each in self._run(ruling, asked[1]):
                    yield each
            else:
                yield turn.refusal(ruling.say or NO_ANSWER, "block")
            return
        request = Recognize(text=turn.text, context=dict(turn.context) or None)
        found = await self._first(self.services.recognize, request.event())
        if Intent.is_type(found.type):
            async for each in self._decided(turn, Intent.from_event(found)):
                yield each
        else:
            yield turn.refusal(str(found.data.get("text") or ""), "not-recognized")

    async def _decided(self, turn: Turn, intent: Intent) -> AsyncIterator[Event]:
        heard = Heard(
            intent=intent_of(intent.name, self.domain),
            slots={entity.name: entity.value for entity in intent.entities},
            device=turn.device,
        )
        ruling = await asyncio.to_thread(self.gate.check, heard)
        if ruling.action is Action.RUN:
            async for each in self._run(ruling, intent):
                yield each
            return
        if ruling.action is Action.ASK:
            self._questions.put(turn.talk, ruling, intent)
        asks = ruling.action is Action.ASK
        yield turn.refusal(ruling.say, "confirm" if asks else "block")

    async def _run(self, ruling: Ruling, intent: Intent) -> AsyncIterator[Event]:
        """Have an intent handled, and report it if it was."""
        if self.services.handle is None:
            # The pipeline executes it.
            yield intent.event()
            await asyncio.to_thread(self.gate.report, ruling, OutcomeKind.EXECUTED)
            return
        handled = False
        async for each in self._asked(self.services.handle, intent.event()):
            handled = handled or Handled.is_type(each.type)
            yield each
        if handled:
            await asyncio.to_thread(self.gate.report, ruling, OutcomeKind.EXECUTED)

    async def _described(self) -> Event:
        try:
            described = self.services.handle or self.services.recognize
            return await self._first(described, Describe().event())
        except Exception as error:  # noqa: BLE001 - the pipeline waits for an answer
            warn("a Wyoming service cannot be described (%s)", type(error).__name__)
            return Info().event()

    async def _first(self, uri: str, event: Event) -> Event:
        async with aclosing(self._asked(uri, event)) as answers:
            return await anext(answers)

    async def _asked(self, uri: str, event: Event) -> AsyncGenerator[Event, None]:
        """Yield the answer of a service; a streamed answer has several events.

        Raises:
            ConnectionError: the service ended the connection without an answer.
        """
        client = AsyncClient.from_uri(uri)
        client.connect_timeout = client.read_timeout = self.services.seconds
        async with client:
            await client.write_event(event)
            streams = False
            while True:
                found = await client.read_event()
                if found is None:
                    raise ConnectionError(f"{uri} ended the connection")
                yield found
                streams = streams or HandledStart.is_type(found.type)
                if HandledStop.is_type(found.type) or not streams:
                    return
