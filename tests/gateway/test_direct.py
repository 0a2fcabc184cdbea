"""The short way to the socket writes what uvicorn would write."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from claif_cla.gateway.direct import Direct

pytestmark = pytest.mark.anyio
HEADERS = [(b"content-type", b"application/json"), (b"x-a", b"b"), (b"content-length", b"2")]
DEFAULT = [(b"date", b"today"), (b"server", b"uvicorn")]


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Socket:
    def __init__(self):
        self.written, self.writes, self.closed = b"", 0, False

    def write(self, data):
        self.written += data
        self.writes += 1

    def close(self):
        self.closed = True


def cycle_of(method="POST", keep_alive=True):
    socket, ended = Socket(), []
    cycle = RequestResponseCycle(
        scope={"type": "http", "method": method},
        transport=socket,
        flow=FlowControl(socket),
        logger=None,
        access_logger=None,
        access_log=False,
        default_headers=DEFAULT,
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: ended.append(True),
    )
    return SimpleNamespace(
        cycle=cycle, socket=socket, ended=ended, direct=Direct(cycle, asyncio.get_running_loop())
    )


async def sent(cycle, status, headers, *pieces):
    await cycle.send({"type": "http.response.start", "status": status, "headers": headers})
    for piece in pieces:
        await cycle.send({"type": "http.response.body", "body": piece, "more_body": True})


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("status", [200, 201, 400, 529])
async def test_a_whole_answer_is_uvicorns_in_one_write(status, keep_alive):
    usual, mine = cycle_of(keep_alive=keep_alive), cycle_of(keep_alive=keep_alive)
    await sent(usual.cycle, status, HEADERS)
    await usual.cycle.send({"type": "http.response.body", "body": b"{}"})
    assert mine.direct.whole(status, HEADERS, b"{}")
    assert (mine.socket.written, mine.socket.writes) == (usual.socket.written, 1)
    assert mine.socket.closed == usual.socket.closed
    assert mine.ended == usual.ended == [True]
    for name in ("response_started", "response_complete", "waiting_for_100_continue"):
        assert getattr(mine.cycle, name) == getattr(usual.cycle, name)
    assert mine.cycle.message_event.is_set()


@pytest.mark.parametrize("piece", [b"a", b"a" * 5000, b""])
async def test_a_piece_of_a_stream_is_uvicorns(piece):
    usual, mine = cycle_of(), cycle_of()
    await sent(usual.cycle, 200, HEADERS[:1], b"first", piece)
    await sent(mine.cycle, 200, HEADERS[:1], b"first")
    assert mine.direct.piece(piece)
    assert mine.socket.written == usual.socket.written


@pytest.mark.parametrize("bad", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0b"])
async def test_a_header_that_is_none_is_left_to_uvicorn(bad):
    mine = cycle_of()
    assert not mine.direct.whole(200, [*HEADERS, (b"x", bad)], b"{}")
    assert (mine.socket.written, mine.cycle.response_started) == (b"", False)


async def test_nothing_is_written_before_a_slow_reader_has_read():
    mine = cycle_of()
    mine.cycle.flow.pause_writing()
    assert not mine.direct.whole(200, HEADERS, b"{}")
    assert not mine.direct.piece(b"a")
    assert mine.socket.written == b""


async def test_an_answer_without_a_body_is_left_to_uvicorn():
    assert not cycle_of("HEAD").direct.whole(200, HEADERS, b"{}")


async def test_what_has_begun_is_not_begun_again():
    mine = cycle_of()
    await sent(mine.cycle, 200, HEADERS)
    assert not mine.direct.whole(200, HEADERS, b"{}")


async def test_a_piece_before_the_beginning_or_after_the_end_is_left_to_uvicorn():
    mine = cycle_of()
    assert not mine.direct.piece(b"a")
    assert mine.direct.whole(200, HEADERS, b"{}")
    assert not mine.direct.piece(b"a")


async def test_nobody_is_told_anything_after_they_have_left():
    mine = cycle_of()
    mine.cycle.disconnected = True
    assert mine.direct.whole(200, HEADERS, b"{}")
    assert mine.socket.written == b""
