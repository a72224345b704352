from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from streams.serving.turns import TakeTurns


class Recorder:
    """An application that records which requests began, and answers when it is allowed to."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        self.began.append(scope["path"])
        await self.may_answer.wait()
        await send({"type": "http.response.start"})
        await send({"type": "http.response.body"})


async def never_read(_: Message) -> None:
    await asyncio.Event().wait()


async def read(_: Message) -> None:
    return


async def receive() -> Message:
    raise AssertionError


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_other_requests_take_turns_and_decisions_do_not_wait_for_them() -> None:
    app = Recorder()
    turns = TakeTurns(app)
    paths = [*["/metrics"] * 5, "/v1/decide", "/healthz"]
    tasks = [
        asyncio.ensure_future(turns({"type": "http", "path": path}, receive, read))
        for path in paths
    ]
    await settle()
    assert app.began == ["/metrics", "/metrics", "/v1/decide", "/healthz"]
    app.may_answer.set()
    await asyncio.gather(*tasks)
    assert app.began.count("/metrics") == 5


async def test_a_client_that_does_not_read_gives_up_its_turn() -> None:
    app = Recorder()
    app.may_answer.set()
    turns = TakeTurns(app)
    scope = {"type": "http", "path": "/metrics"}
    unread = [asyncio.ensure_future(turns(scope, receive, never_read)) for _ in range(5)]
    await asyncio.wait_for(turns(scope, receive, read), 5)
    for task in unread:
        task.cancel()
    await asyncio.gather(*unread, return_exceptions=True)
    await asyncio.wait_for(turns(scope, receive, read), 5)


async def test_a_turn_ends_when_the_application_fails() -> None:
    async def fail(*_: object) -> None:
        raise LookupError

    turns = TakeTurns(fail)
    scope = {"type": "http", "path": "/docs"}
    for _ in range(3):
        result = await asyncio.wait_for(
            asyncio.gather(turns(scope, receive, read), return_exceptions=True), 5
        )
        assert isinstance(result[0], LookupError)
