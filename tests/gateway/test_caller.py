from __future__ import annotations

import asyncio

import anyio
import pytest

from claif_cla.gateway.caller import COMMENT, MAX_PIECES, SMALL, Caller, StreamWriter
from claif_cla.gateway.denial import Denial
from claif_cla.gateway.room import Room
from claif_cla.gateway.visit import Visit
from gateway.asgi import Connection

FOREVER = 3600.0
ROOM = Room(1 << 40, 0, FOREVER)
LONG = b"x" * (SMALL + 1)
pytestmark = pytest.mark.anyio


def caller_of(connection, **options):
    options = {"send_seconds": FOREVER, **options}
    return Caller(Visit("req_1"), connection.receive, connection.send, **options)


@pytest.mark.parametrize("pieces", [[b""], [b"abc"], [b"a", b"b", b"c"], [b"", b"abc"]])
async def test_the_body_is_read_whole(pieces):
    caller = caller_of(Connection(*pieces))
    body = await caller.body(3, None, ROOM)
    assert body == b"".join(pieces)
    assert caller.visit.bytes_in == len(body)


@pytest.mark.parametrize(
    ("pieces", "declared"), [([b"abcd"], None), ([b"ab", b"cd"], None), ([b"a"], "4")]
)
async def test_a_body_beyond_the_limit_is_not_read(pieces, declared):
    with pytest.raises(Denial) as caught:
        await caller_of(Connection(*pieces)).body(3, declared, ROOM)
    assert (caught.value.status, caught.value.code) == (413, "request_too_large")


@pytest.mark.parametrize("pieces", [[b"a"], []], ids=["begun", "nothing"])
async def test_a_body_that_does_not_come_is_not_waited_for(pieces):
    caller = caller_of(Connection(*pieces, unfinished=True), send_seconds=0.0)
    with anyio.fail_after(10), pytest.raises(Denial) as caught:
        await caller.body(3, None, ROOM)
    assert caught.value.status == 408


async def test_a_body_in_single_bytes_ends():
    class Endless(Connection):
        async def receive(self):
            return {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(Denial):
        await caller_of(Endless()).body(MAX_PIECES, None, ROOM)


@pytest.mark.parametrize(
    ("pieces", "declared", "held"),
    [
        ([LONG], str(len(LONG)), len(LONG)),
        ([LONG[:9], LONG[9:]], str(len(LONG)), len(LONG)),
        ([LONG[:9], LONG[9:]], None, len(LONG)),  # after its end: until then the limit
        ([b"ab", b"c"], None, 3),
        ([b"ab", b"c"], "3", 0),
        ([LONG[1:]], str(SMALL), 0),
        ([b"abc"], None, 0),
    ],
)
async def test_a_body_that_is_not_small_takes_its_places(pieces, declared, held):
    room = Room(2 * SMALL, 0, FOREVER)
    caller = caller_of(Connection(*pieces))
    await caller.body(2 * SMALL, declared, room)
    assert caller.held == room.taken == held


@pytest.mark.parametrize(
    ("declared", "unread"), [(str(len(LONG)), LONG[:9]), (None, LONG[9:])], ids=["length", "none"]
)
async def test_a_body_without_room_is_not_read(declared, unread):
    room = Room(2 * SMALL, 0, FOREVER)
    await room.enter(SMALL)
    connection = Connection(LONG[:9], LONG[9:])
    caller = caller_of(connection)
    with pytest.raises(Denial, match="too many") as caught:
        await caller.body(2 * SMALL, declared, room)
    assert (caught.value.status, caught.value.code) == (503, "gateway_busy")
    assert (caller.held, room.taken) == (0, SMALL)
    assert (await connection.receive())["body"] == unread


async def test_who_leaves_in_the_middle_of_a_body_is_gone():
    connection = Connection(b"a", unfinished=True)
    connection.leave()
    caller = caller_of(connection)
    with pytest.raises(asyncio.CancelledError):
        await caller.body(3, None, ROOM)
    assert caller.visit.left


async def test_a_whole_answer_tells_its_length():
    connection = Connection()
    caller = caller_of(connection, always=[(b"x", b"y")])
    await caller.answer(201, b"{}")
    assert (connection.status, connection.body) == (201, b"{}")
    assert connection.headers == {
        b"x": b"y",
        b"content-type": b"application/json",
        b"content-length": b"2",
    }
    assert connection.is_complete
    assert (caller.visit.status, caller.visit.bytes_out) == (201, 2)
    assert caller.visit.first_byte_at is not None


async def test_the_task_ends_wherever_it_waits_once_the_caller_leaves():
    connection = Connection(b"{}")
    caller = caller_of(connection)

    async def serve():
        await caller.body(10, None, ROOM)
        caller.watch(None)
        await anyio.sleep_forever()

    task = asyncio.ensure_future(serve())
    await anyio.wait_all_tasks_blocked()
    connection.leave()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caller.visit.left


async def test_a_connection_that_tells_needs_no_task():
    leaving = []
    caller = caller_of(Connection(b"{}"))

    async def serve():
        caller.watch(leaving)
        await anyio.sleep_forever()

    task = asyncio.ensure_future(serve())
    await anyio.wait_all_tasks_blocked()
    (gone,) = leaving
    gone()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caller.visit.left
    caller.unwatch()
    assert leaving == []


async def test_who_takes_nothing_of_a_stream_is_gone():
    connection = Connection()
    connection.gate = asyncio.Event()
    caller = caller_of(connection, send_seconds=0.001)

    async def serve():
        await caller.stream(FOREVER, list).write(b"data: 1\n\n")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(serve())
    assert caller.visit.left


async def test_who_is_slow_to_take_a_stream_costs_no_time(monkeypatch):
    looks = []
    look = StreamWriter._look
    monkeypatch.setattr(StreamWriter, "_look", lambda self: (looks.append(1), look(self)))
    connection = Connection()
    connection.gate = asyncio.Event()
    caller = caller_of(connection, send_seconds=0.5)

    async def serve():
        await caller.stream(0.05, list).write(b"data: 1\n\n")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(serve())
    assert len(looks) <= 0.5 / 0.05 + 2


async def test_who_takes_nothing_loses_the_connection_too():
    class Line:
        aborted = 0

        def abort(self):
            Line.aborted += 1

    connection = Connection()
    connection.gate = asyncio.Event()
    caller = Caller(
        Visit("req_1"), connection.receive, connection.send, send_seconds=0.0, direct=Line()
    )
    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(caller.write(b"x"))
    assert Line.aborted == 1


async def test_after_the_answer_nobody_watches():
    connection = Connection(b"{}")
    caller = caller_of(connection)
    await caller.body(10, None, ROOM)
    caller.watch(None)
    caller.unwatch()
    connection.leave()
    await anyio.wait_all_tasks_blocked()
    assert not caller.visit.left


async def test_who_takes_nothing_is_gone():
    connection = Connection()
    connection.gate = asyncio.Event()
    caller = caller_of(connection, send_seconds=0.0)
    task = asyncio.ensure_future(caller.write(b"x"))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caller.visit.left


# Streams


async def test_a_stream_starts_with_its_first_event():
    connection = Connection()
    caller = caller_of(connection)
    writer = caller.stream(FOREVER, lambda: [(b"x-late", b"1")])
    assert connection.sent == []
    await writer.write(b"data: 1\n\n")
    await writer.end(b"data: 2\n\n")
    assert connection.headers[b"content-type"].startswith(b"text/event-stream")
    assert connection.headers[b"x-late"] == b"1"
    assert connection.body == b"data: 1\n\ndata: 2\n\n"
    assert connection.is_complete


async def test_a_stream_without_an_event_is_answered_too():
    connection = Connection()
    writer = caller_of(connection).stream(FOREVER, list)
    await writer.end()
    assert (connection.status, connection.body, connection.is_complete) == (200, b"", True)


async def test_silence_is_filled_with_comments():
    connection = Connection()
    caller = caller_of(connection)
    writer = caller.stream(0.001, list)
    with anyio.fail_after(10):
        while connection.body.count(COMMENT) < 2:  # noqa: ASYNC110 - the timer has no event
            await anyio.sleep(0.001)
    await writer.write(b"data: 1\n\n")
    await writer.end()
    assert connection.body.endswith(b"data: 1\n\n")
    assert connection.body.replace(COMMENT, b"") == b"data: 1\n\n"


async def test_a_comment_never_stands_within_an_event():
    connection = Connection()
    writer = caller_of(connection).stream(0.0, list)
    for number in range(20):
        await writer.write(b"data: %d\n\n" % number)
        await anyio.lowlevel.checkpoint()
    await writer.end()
    events = connection.body.replace(COMMENT, b"")
    assert events == b"".join(b"data: %d\n\n" % number for number in range(20))


async def test_a_closed_stream_says_no_more():
    connection = Connection()
    connection.gate = asyncio.Event()
    writer = caller_of(connection).stream(0.0, list)
    await anyio.wait_all_tasks_blocked()
    await writer.close()
    connection.gate.set()
    await anyio.wait_all_tasks_blocked()
    assert connection.sent == []
