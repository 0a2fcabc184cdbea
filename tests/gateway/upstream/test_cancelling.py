"""A caller may leave at any moment: wherever a request waits, it leaves nothing open."""

from __future__ import annotations

import asyncio
import types

import pytest

from gateway.upstream.made import (
    OVERLOADED,
    STREAM,
    account,
    answer_of,
    in_thread,
    opened,
    request_of,
)
from loopback import Ending, Gate, error_body, json_answer, no_answer, streamed

MAX_POINTS = 100
FAILED = json_answer(error_body("overloaded_error", "Overloaded"), 529)


class Counted:
    """A coroutine whose task is cancelled when it waits for the `at`-th time."""

    def __init__(self, work, at):
        self.work, self.at, self.seen = work, at, 0

    @types.coroutine
    def steps(self):
        task, step, value = asyncio.current_task(), self.work.send, None
        while True:
            try:
                waits_for = step(value)
            except StopIteration as stop:
                return stop.value
            self.seen += 1
            if self.seen == self.at:
                task.cancel()
            try:
                step, value = self.work.send, (yield waits_for)
            except BaseException as error:  # noqa: BLE001 - handed on
                step, value = self.work.throw, error

    async def run(self):
        return await self.steps()


COURSES = {
    "a stream": [streamed(STREAM)],
    "two errors before": [FAILED, FAILED, streamed(STREAM)],
    "an error event before": [streamed(OVERLOADED), streamed(STREAM)],
    "a reset before": [no_answer(Ending.RESET), streamed(STREAM)],
}


@pytest.mark.parametrize("accounts", [["a"], ["a", "b"]], ids=len)
@pytest.mark.parametrize("body", [b"{}", b"x" * 2_000_000], ids=len)
@pytest.mark.parametrize("course", COURSES)
async def test_leaving_wherever_a_request_waits(new_upstream, server, course, body, accounts):
    reached_end = False
    for at in range(1, MAX_POINTS):
        await asyncio.to_thread(server.reset)
        server.enqueue(*COURSES[course])
        server.answer_with(lambda request: streamed(STREAM))
        upstream = new_upstream(accounts=[account(name) for name in accounts])
        counted = Counted(answer_of(upstream, request_of(body)), at)
        try:
            await asyncio.get_running_loop().create_task(counted.run())
        except asyncio.CancelledError:
            pass
        else:
            reached_end = counted.seen < at
        assert upstream._wire.taken == 0
        await in_thread(server.wait_until_closed)
        await upstream.close()
        if reached_end:
            break
    assert reached_end
    assert at > 3


async def test_leaving_before_the_status(upstream, server):
    gate = Gate()
    server.enqueue(json_answer({}, gate=gate))
    task = asyncio.ensure_future(opened(upstream))
    await in_thread(gate.wait_until_reached)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await in_thread(server.wait_until_abandoned)


async def test_leaving_before_the_first_event(upstream, server):
    gate = Gate()
    server.enqueue(streamed([b"event: ping\ndata: {}\n\n", gate]))
    task = asyncio.ensure_future(opened(upstream))
    await in_thread(gate.wait_until_reached)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await in_thread(server.wait_until_abandoned)


async def test_leaving_while_the_next_attempt_is_waited_for(new_upstream, server):
    waiting, forever = asyncio.Event(), asyncio.Event()

    async def pause(seconds):
        waiting.set()
        await forever.wait()

    server.enqueue(FAILED)
    upstream = new_upstream()
    upstream._pause = pause
    task = asyncio.ensure_future(opened(upstream))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(server.requests) == 1


async def test_leaving_while_a_connection_is_waited_for(new_upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    upstream = new_upstream(max_connections=1)
    first = await opened(upstream)
    task = asyncio.ensure_future(opened(upstream))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert upstream._wire.taken == 1
    await first.close()
