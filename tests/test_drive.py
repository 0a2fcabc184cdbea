from __future__ import annotations

import contextvars
import threading

import anyio
import pytest

from claif_cla.drive import (
    MAX_AT_ONCE,
    MAX_DRAIN,
    AsyncOpened,
    Opened,
    abatches,
    achunks,
    arun,
    chunks,
    run,
)
from claif_cla.translate.flow import Answer, Close, Drain, Read, Reply, Send, SendAll, Used
from claif_cla.wire.http import UpstreamRequest

REQUEST = UpstreamRequest("POST", "/v1/messages")
pytestmark = pytest.mark.anyio


class FakeExchange:
    """Hands out its pieces; one that is an exception is raised. Counts how often it is closed."""

    status = 200
    headers = {"x": "1"}  # noqa: RUF012

    def __init__(self, *pieces, close_fails=False):
        self.pieces = iter(pieces)
        self.close_fails = close_fails
        self.closed = 0
        self.taken = 0

    def read(self):
        piece = next(self.pieces, b"")
        self.taken += 1
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self):
        self.closed += 1
        if self.close_fails:
            raise OSError("close failed")


class StubbornExchange(FakeExchange):
    """Its close is interrupted."""

    def close(self):
        super().close()
        raise KeyboardInterrupt


class FakeAsyncExchange:
    def __init__(self, exchange):
        self.status, self.headers = exchange.status, exchange.headers
        self.exchange = exchange

    async def read(self):
        await anyio.lowlevel.checkpoint()
        return self.exchange.read()

    async def close(self):
        self.exchange.close()


class SyncDriver:
    """Both drivers, for one way of writing tests."""

    def __init__(self, *exchanges):
        found = iter(exchanges)
        self.opened = Opened(lambda request: next(found))

    async def run(self, flow):
        return run(flow, self.opened)

    async def close(self):
        self.opened.close()

    async def chunks(self, flow, *failure):
        for chunk in chunks(flow, self.opened, *failure):
            yield chunk


class AsyncDriver(SyncDriver):
    def __init__(self, *exchanges):
        found = iter(exchanges)

        async def send(request):
            return FakeAsyncExchange(next(found))

        self.opened = AsyncOpened(send)

    async def run(self, flow):
        return await arun(flow, self.opened)

    async def close(self):
        await self.opened.close()

    def chunks(self, flow, *failure):
        return achunks(flow, self.opened, *failure)


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def driver(request):
    return request.param


def reading(count=1):
    """A flow that reads the whole answer of each of `count` requests."""
    body = b""
    for _ in range(count):
        reply = yield Send(REQUEST)
        while piece := (yield Read(reply)):
            body += piece
    return Answer(reply.status, reply.headers, body)


async def test_a_flow_gets_replies_and_pieces_and_gives_its_answer(driver):
    first, second = FakeExchange(b"a", b"b"), FakeExchange(b"c")
    answer = await driver(first, second).run(reading(2))
    assert answer == Answer(200, {"x": "1"}, b"abc")
    assert (first.closed, second.closed) == (1, 1)


@pytest.mark.parametrize("error", [OSError("wire"), KeyboardInterrupt()], ids=type)
async def test_what_the_wire_raises_goes_past_the_flow(driver, error):
    exchange = FakeExchange(b"a", error)
    flow = reading()
    with pytest.raises(type(error)):
        await driver(exchange).run(flow)
    assert exchange.closed == 1
    assert flow.gi_frame is None


async def test_what_the_flow_raises_closes_the_exchange(driver):
    def failing():
        yield Send(REQUEST)
        raise KeyError("flow")

    exchange = FakeExchange()
    with pytest.raises(KeyError):
        await driver(exchange).run(failing())
    assert exchange.closed == 1


async def test_close_gives_one_reply_up_and_the_flow_goes_on(driver):
    def closing():
        reply = yield Send(REQUEST)
        yield Close(reply)
        assert exchange.closed == 1
        return Answer(200, {}, "done")

    exchange = FakeExchange(b"unread")
    assert (await driver(exchange).run(closing())).body == "done"
    assert exchange.taken == 0


def draining():
    reply = yield Send(REQUEST)
    yield Drain(reply)
    return Answer(200, {}, "done")


@pytest.mark.parametrize(
    ("pieces", "taken"),
    [
        ((), 1),
        ((b"a", b"b"), 3),
        ((b"a", OSError("reset")), 2),
        ((b"x" * MAX_DRAIN, b"y", b"z"), 2),
    ],
    ids=["empty", "some", "broken", "too much"],
)
async def test_drain_reads_to_the_end_within_bounds_whatever_happens(driver, pieces, taken):
    exchange = FakeExchange(*pieces)
    assert (await driver(exchange).run(draining())).body == "done"
    assert exchange.taken == taken
    assert exchange.closed >= 1


@pytest.mark.parametrize("effect", [Close, Drain])
async def test_a_connection_that_cannot_be_closed_spoils_no_answer(driver, effect):
    def flow():
        reply = yield Send(REQUEST)
        yield effect(reply)
        return Answer(200, {}, "done")

    exchange = FakeExchange(b"a", close_fails=True)
    assert (await driver(exchange).run(flow())).body == "done"
    assert exchange.closed >= 1


async def test_the_async_drain_does_not_wait_for_a_server_that_is_silent(monkeypatch):
    monkeypatch.setattr("claif_cla.drive.MAX_DRAIN_SECONDS", 0.01)

    class Silent(FakeAsyncExchange):
        async def read(self):
            await anyio.sleep_forever()

    exchange = FakeExchange()

    async def send(request):
        return Silent(exchange)

    with anyio.fail_after(5):
        answer = await arun(draining(), AsyncOpened(send))
    assert answer.body == "done"
    assert exchange.closed >= 1


def streaming():
    """A flow whose answer is a flow of chunks, one per piece."""

    def parts(reply):
        while piece := (yield Read(reply)):
            yield {"piece": piece}

    reply = yield Send(REQUEST)
    return Answer(200, {}, parts(reply))


async def test_a_streamed_answer_keeps_its_exchange_open_until_it_ends(driver):
    exchange = FakeExchange(b"a", b"b")
    drives = driver(exchange)
    answer = await drives.run(streaming())
    assert answer.is_stream
    assert exchange.closed == 0
    assert [chunk async for chunk in drives.chunks(answer.body)] == [
        {"piece": b"a"},
        {"piece": b"b"},
    ]
    assert exchange.closed == 1


async def test_chunks_that_fail_close_the_exchange(driver):
    exchange = FakeExchange(b"a", OSError("wire"))
    drives = driver(exchange)
    answer = await drives.run(streaming())
    with pytest.raises(OSError, match="wire"):
        [chunk async for chunk in drives.chunks(answer.body)]
    assert exchange.closed == 1


async def test_what_fails_in_the_middle_is_told_in_the_callers_terms(driver):
    exchange = FakeExchange(b"a", wire := OSError("wire"))
    drives = driver(exchange)
    answer = await drives.run(streaming())
    parts = drives.chunks(answer.body, lambda error: KeyError("told"))
    assert await anext(parts) == {"piece": b"a"}
    with pytest.raises(KeyError, match="told") as raised:
        await anext(parts)
    assert raised.value.__cause__ is wire
    assert exchange.closed == 1


async def test_an_interruption_in_the_middle_stays_itself(driver):
    drives = driver(FakeExchange(KeyboardInterrupt()))
    answer = await drives.run(streaming())
    with pytest.raises(KeyboardInterrupt):
        [chunk async for chunk in drives.chunks(answer.body, lambda error: KeyError("told"))]


async def test_closing_chunks_closes_flow_and_exchange():
    exchange = FakeExchange(b"a", b"b")
    opened = Opened(lambda request: exchange)
    body = run(streaming(), opened).body
    parts = chunks(body, opened)
    assert next(parts) == {"piece": b"a"}
    parts.close()
    assert exchange.closed == 1
    assert body.gi_frame is None


async def test_closing_async_chunks_closes_flow_and_exchange():
    exchange = FakeExchange(b"a", b"b")

    async def send(request):
        return FakeAsyncExchange(exchange)

    opened = AsyncOpened(send)
    body = (await arun(streaming(), opened)).body
    parts = achunks(body, opened)
    assert await anext(parts) == {"piece": b"a"}
    await parts.aclose()
    assert exchange.closed == 1
    assert body.gi_frame is None


async def test_every_exchange_is_closed_and_the_error_is_the_flows(driver):
    def opening_two():
        yield Send(REQUEST)
        yield Send(REQUEST)
        raise KeyError("flow")

    exchanges = FakeExchange(close_fails=True), FakeExchange(close_fails=True)
    with pytest.raises(KeyError, match="flow"):
        await driver(*exchanges).run(opening_two())
    assert [exchange.closed for exchange in exchanges] == [1, 1]


async def test_an_interruption_leaves_no_exchange_open(driver):
    exchanges = FakeExchange(b"a"), StubbornExchange(b"b"), StubbornExchange(b"c")
    with pytest.raises(KeyboardInterrupt):
        await driver(*exchanges).run(reading(3))
    assert [exchange.closed for exchange in exchanges] == [1, 1, 1]


async def test_opened_may_be_closed_twice(driver):
    exchange = FakeExchange(b"a")
    drives = driver(exchange)
    await drives.run(streaming())
    await drives.close()
    await drives.close()
    assert exchange.closed == 1


# Several requests at once


def sending_all(count):
    replies = yield SendAll((REQUEST,) * count)
    bodies = []
    for reply in replies:
        bodies.append((yield Read(reply)))  # noqa: PERF401  # a comprehension cannot yield
    return Answer(200, {}, bodies)


@pytest.mark.parametrize("count", [1, 3, MAX_AT_ONCE + 5])
async def test_requests_sent_at_once_are_answered_in_their_order(driver, count):
    exchanges = [FakeExchange(b"%d" % number) for number in range(count)]
    answer = await driver(*exchanges).run(sending_all(count))
    assert sorted(answer.body) == sorted(b"%d" % number for number in range(count))
    assert [exchange.closed for exchange in exchanges] == [1] * count


def test_threads_send_at_once_and_keep_the_context():
    together = threading.Barrier(3)
    place = contextvars.ContextVar("place")
    place.set("the caller's")
    seen = []

    def send(request):
        together.wait(10)  # none is answered before all are sent
        seen.append(place.get())
        return FakeExchange(b"x")

    assert run(sending_all(3), Opened(send)).body == [b"x"] * 3
    assert seen == ["the caller's"] * 3


async def test_tasks_send_at_once():
    waiting = 0
    all_there = anyio.Event()

    async def send(request):
        nonlocal waiting
        waiting += 1
        if waiting == 3:
            all_there.set()
        await all_there.wait()
        return FakeAsyncExchange(FakeExchange(b"x"))

    with anyio.fail_after(5):
        answer = await arun(sending_all(3), AsyncOpened(send))
    assert answer.body == [b"x"] * 3


async def test_no_more_tasks_send_at_once_than_is_good():
    waiting, most = 0, 0

    async def send(request):
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await anyio.lowlevel.checkpoint()
        waiting -= 1
        return FakeAsyncExchange(FakeExchange(b"x"))

    answer = await arun(sending_all(3 * MAX_AT_ONCE), AsyncOpened(send))
    assert answer.body == [b"x"] * (3 * MAX_AT_ONCE)
    assert most == MAX_AT_ONCE


def test_one_that_fails_in_a_thread_closes_the_others():
    good = [FakeExchange(), FakeExchange()]
    found = iter([good[0], OSError("refused"), good[1]])

    def send(request):
        outcome = next(found)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(OSError, match="refused"):
        run(sending_all(3), Opened(send))
    assert [exchange.closed for exchange in good] == [1, 1]


async def test_one_that_fails_in_a_task_cancels_and_closes_the_others():
    good = FakeExchange()
    outcomes = iter(["answered", "fails", "waits"])

    async def send(request):
        outcome = next(outcomes)
        await anyio.lowlevel.checkpoint()
        if outcome == "fails":
            raise OSError("refused")
        if outcome == "waits":
            await anyio.sleep_forever()
        return FakeAsyncExchange(good)

    with anyio.fail_after(5), pytest.raises(OSError, match="refused"):
        await arun(sending_all(3), AsyncOpened(send))
    assert good.closed == 1


# Batches, and what was used


async def test_chunks_that_are_there_at_once_come_together():
    exchange = FakeExchange(b"x", b"y")

    def flow():
        reply = Reply(200, {}, FakeAsyncExchange(exchange))
        yield {"n": 1}
        yield Used(reply, {}, complete=False)
        yield {"n": 2}
        yield Read(reply)
        yield {"n": 3}
        yield Read(reply)

    got = [batch async for batch in abatches(flow(), AsyncOpened(None))]
    assert got == [[{"n": 1}, {"n": 2}], [{"n": 3}]]


async def test_chunks_that_came_before_a_failure_come_before_it():
    def flow():
        yield {"n": 1}
        yield {"n": 2}
        raise KeyError("flow")

    got = []
    with pytest.raises(KeyError, match="flow"):
        async for batch in abatches(flow(), AsyncOpened(None)):
            got += batch
    assert got == [{"n": 1}, {"n": 2}]


async def test_batches_that_are_left_close_the_flow_and_the_upstream():
    exchange, closed = FakeExchange(), []

    def flow():
        try:
            reply = yield Send(REQUEST)
            yield {"n": 1}
            yield Read(reply)
        finally:
            closed.append(True)

    async def send(request):
        return FakeAsyncExchange(exchange)

    batches = abatches(flow(), AsyncOpened(send))
    assert await anext(batches) == [{"n": 1}]
    await batches.aclose()
    assert (closed, exchange.closed) == ([True], 1)


async def test_what_was_used_is_counted_by_whoever_asks():
    counted = []

    def flow():
        reply = Reply(200, {})
        yield Used(reply, {"usage": {}}, complete=True)
        return Answer(200, {}, {})

    await arun(flow(), AsyncOpened(None, counted.append))
    await arun(flow(), AsyncOpened(None))
    run(flow(), Opened(None))
    assert [used.complete for used in counted] == [True]
