from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
import uvicorn
from uvicorn.server import ServerState

from claif_cla.gateway import connections
from claif_cla.gateway.connections import (
    MAX_PIPELINED,
    SPARE_CONNECTIONS,
    Bounds,
    connection_class,
)


class App:
    """Keeps what it is asked, and answers once it may."""

    def __init__(self):
        self.scopes = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope, receive, send):
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await self.may_answer.wait()
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.body", "body": b"two"})


@pytest.fixture
def app():
    return App()


@pytest.fixture
async def connect(app):
    """Serve with bounds; gives what opens connections to it."""
    async with contextlib.AsyncExitStack() as closing:

        async def serve(connections=10, head_bytes=2000):
            kind = connection_class(Bounds(connections, head_bytes))
            config = uvicorn.Config(app, http=kind, interface="asgi3", ws="none", log_config=None)
            config.proxy_headers = False
            config.load()
            state = ServerState()
            loop = asyncio.get_running_loop()
            server = await loop.create_server(
                lambda: kind(config=config, server_state=state, app_state={}), "127.0.0.1", 0
            )
            closing.callback(server.close)

            async def connect():
                address = server.sockets[0].getsockname()
                reader, writer = await asyncio.open_connection(*address)
                closing.callback(writer.close)
                return reader, writer

            return connect

        yield serve


async def answer(reader):
    """Status and body of what comes before the connection is closed."""
    data = await reader.read()
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def test_a_request_is_answered(connect, app):
    reader, writer = await (await connect())()
    writer.write(GET)
    assert await reader.readuntil(b"0\r\n\r\n")
    assert app.scopes[0]["headers"] == [(b"host", b"x")]


async def test_a_head_that_grows_too_large_is_refused(connect, app):
    reader, writer = await (await connect(head_bytes=2000))()
    writer.write(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 400)
    status, body = await answer(reader)
    assert status == 431
    assert json.loads(body)["error"]["message"] == "The headers are larger than 2,000 bytes."
    assert app.scopes == []


async def test_one_header_that_never_ends_is_refused(connect):
    reader, writer = await (await connect(head_bytes=2000))()
    writer.write(b"GET / HTTP/1.1\r\nx: ")
    with contextlib.suppress(ConnectionError):
        for _ in range(200):
            writer.write(b"y" * 5000)
            await writer.drain()
    with contextlib.suppress(ConnectionError):  # it may close with bytes of ours unread
        assert (await answer(reader))[0] == 431


async def test_a_large_body_is_no_large_head(connect):
    reader, writer = await (await connect(head_bytes=1000))()
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n")
    for _ in range(9):
        writer.write(b"y" * 10_000)
        await writer.drain()
    writer.write(GET)
    for _ in range(2):
        assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_head_that_takes_too_long_is_refused(connect, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.01)
    reader, writer = await (await connect())()
    writer.write(b"GET / HT")
    assert (await answer(reader))[0] == 408


async def test_so_is_that_of_a_second_request(connect, monkeypatch):
    reader, writer = await (await connect())()
    writer.write(GET)
    await reader.readuntil(b"0\r\n\r\n")
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.01)
    writer.write(b"GET / HT")
    assert (await answer(reader))[0] == 408


async def test_a_connection_that_is_never_used_is_closed_without_a_word(connect, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.01)
    reader, _ = await (await connect())()
    assert await reader.read() == b""


async def test_an_answer_may_take_longer_than_a_head(connect, app, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.01)
    app.may_answer.clear()
    open_one = await connect()
    reader, writer = await open_one()
    writer.write(GET)
    await reader.readuntil(b"one\r\n")
    # A connection opened later is closed by the same timer: ours would have been before it.
    other, _ = await open_one()
    assert await other.read() == b""
    app.may_answer.set()
    assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"3\r\ntwo")


@pytest.mark.parametrize(
    "junk",
    [b"\x16\x03\x01\x02\x00\x01\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n"],
)
async def test_what_is_no_http_gets_a_400_in_json(connect, app, junk):
    reader, writer = await (await connect())()
    writer.write(junk)
    status, body = await answer(reader)
    assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_http")
    assert app.scopes == []


async def test_junk_behind_a_request_does_not_get_into_its_answer(connect, app):
    app.may_answer.clear()
    reader, writer = await (await connect())()
    writer.write(GET)
    started = await reader.readuntil(b"one\r\n")
    writer.write(b"\x00junk\r\n\r\n")
    rest = await reader.read()
    assert b"400" not in started + rest


async def test_trailers_are_left_out(connect, app):
    reader, writer = await (await connect())()
    writer.write(
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        b"1\r\na\r\n0\r\nx-planted: 1\r\n\r\n"
    )
    await reader.readuntil(b"0\r\n\r\n")
    assert [name for name, _ in app.scopes[0]["headers"]] == [b"host", b"transfer-encoding"]


async def test_a_flood_of_pipelined_requests_is_cut(connect, app):
    app.may_answer.clear()
    reader, writer = await (await connect())()
    writer.write(GET * (MAX_PIPELINED + 2))
    with contextlib.suppress(ConnectionError):
        await reader.read()
    assert reader.at_eof() or reader.exception()
    assert len(app.scopes) <= 1


async def test_some_pipelined_requests_are_answered_in_turn(connect):
    reader, writer = await (await connect())()
    writer.write(GET * 5)
    for _ in range(5):
        await reader.readuntil(b"0\r\n\r\n")


async def test_connections_beyond_the_limit_are_told_that_it_is_busy(connect, app):
    open_one = await connect(connections=1)
    first, first_writer = await open_one()
    first_writer.write(GET)
    await first.readuntil(b"0\r\n\r\n")
    second, second_writer = await open_one()
    second_writer.write(GET)
    status, body = await answer(second)
    assert (status, json.loads(body)["error"]["code"]) == (503, "gateway_busy")
    assert len(app.scopes) == 1
    first_writer.write(GET)
    await first.readuntil(b"0\r\n\r\n")


async def test_a_place_that_became_free_is_given_again(connect):
    open_one = await connect(connections=1)
    reader, writer = await open_one()
    writer.write(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert (await answer(reader))[0] == 200
    reader, writer = await open_one()
    writer.write(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert (await answer(reader))[0] == 200


async def test_those_far_beyond_are_only_closed(connect):
    open_one = await connect(connections=1)
    for _ in range(1 + SPARE_CONNECTIONS):
        await open_one()
    reader, _ = await open_one()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
