"""Thousands of streams at once, some to readers who are slow, some to readers who vanish."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys

import pytest

from gateway.faults.made import CHAT, DOORS, HELLO, USAGE, WAYS, charged, good, post, until
from gateway.faults.serving import Serving
from loopback import Gate, json_answer, message, sse, stream_of, streamed, text_block

resource = pytest.importorskip("resource", reason="no limits of open files to look at")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

AIM = 2_000
SPARE = 600
"""Files that this process has open for other things."""
WAVE = 50
"""Readers that vanish at the same instant."""
TEXT = "So many streams at once. "
SHORT = sse(stream_of([text_block(TEXT * 4)], usage=USAGE))
LONG = sse(stream_of([text_block(TEXT * 8_000)], usage=USAGE, piece=1_000))
MEMORY = 100_000
"""Bytes that a gateway may need more for each stream that is open, its buffers filled."""


def possible_streams():
    """As many as the limit of open files allows: each takes two, ours and the canned upstream's."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return AIM
    return min(AIM, (most - SPARE) // 2)


STREAMS = possible_streams()


@pytest.fixture
def many_files():
    """Raises the soft limit of open files; processes that are started meanwhile have it too."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * STREAMS + SPARE
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


class Reader:
    """One caller on a socket of its own.

    Args:
        url: of the gateway.
        door: that it goes through.
        kind: `plain`; `slow`, a few bytes at a time; `late`, nothing until it is told to; `early`,
            gone before a token came; `midway`, gone after some.
        small: whether the system holds little for it.
        stream: whether it asks for one.
    """

    def __init__(self, url, door, kind, *, small=False, stream=True):
        self.door, self.kind = door, kind
        self._asks = {**HELLO, "stream": stream, "metadata": {"user_id": kind}}
        self.text = TEXT * (8_000 if kind in ("slow", "late") else 4)
        host, _, port = url.removeprefix("http://").partition(":")
        self._address, self._small = (host, int(port)), small or kind in ("slow", "late")

    async def ask(self):
        sock = socket.socket()
        if self._small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, self._address)
        limit = 1_024 if self._small else 65_536
        self._reader, self._writer = await asyncio.open_connection(sock=sock, limit=limit)
        body = json.dumps(self._asks).encode()
        self._writer.write(
            f"POST {self.door.path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )

    async def first(self):
        """Wait until some of the answer is there."""
        await self._reader.readuntil(b"content_block_delta" if self.door is not CHAT else b"So")

    def vanish(self):
        """RST, without a word."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def read(self):
        """All of the answer, in the manner of this reader."""
        told = bytearray()
        if self.kind == "slow":
            for _ in range(150):
                told += await self._reader.readexactly(7)
                await asyncio.sleep(0.01)
        while piece := await self._reader.read(65_536):
            told += piece
        self._writer.close()
        self.check(bytes(told))

    def check(self, told):
        head, _, body = told.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head[:200]
        events = dechunked(body).decode()
        assert self.door.end in events
        pieces = [json.loads(line[6:]) for line in events.split("\n") if line.startswith("data: {")]
        if self.door is CHAT:
            said = "".join(
                choice["delta"].get("content") or ""
                for piece in pieces
                for choice in piece["choices"]
            )
        else:
            said = "".join(piece["delta"].get("text", "") for piece in pieces if "delta" in piece)
        assert said == self.text


def dechunked(body):
    pieces = []
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            assert body == b"\r\n"
            return b"".join(pieces)
        pieces.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]


KINDS = ["plain"] * 6 + ["slow", "late", "early", "midway"]


async def wait(ready, what):
    await asyncio.to_thread(until, ready, what)


async def vanish_in_waves(readers, server):
    """Have readers vanish; upstream is to see each wave within a second."""
    gone = server.abandoned
    for at in range(0, len(readers), WAVE):
        wave = readers[at : at + WAVE]
        for reader in wave:
            reader.vanish()
        gone += len(wave)
        await asyncio.to_thread(server.wait_until_abandoned, gone, 1.0)


async def warm(gateway, server):
    """Have it open what stays open; how many files that are."""
    sockets = gateway.open_sockets
    good(server)
    assert (await asyncio.to_thread(post, gateway.url, WAYS[0])).status_code == 200
    server.reset()  # upstream closes what would be kept for the next requests
    await wait(lambda: gateway.open_sockets == sockets, "a connection is open")
    return gateway.open_files


async def rush(gateway, server, streams):
    """So many streams at once; all readers that stay have theirs in the end."""
    go, never = Gate(), Gate()

    def script(request):
        kind = request.json["metadata"]["user_id"]
        if kind == "early":
            # Half of them before the status of the answer, half of them behind it.
            return streamed([never], gate=never if len(server.requests) % 2 else None)
        events = LONG if kind in ("slow", "late") else SHORT
        middle = events.index(b"event: content_block_delta", len(events) // 2)
        return streamed([events[:middle], go, events[middle:]])

    server.answer_with(script)
    readers = [
        Reader(gateway.url, DOORS[at % 2], KINDS[at // 2 % len(KINDS)]) for at in range(streams)
    ]
    by_kind = {kind: [one for one in readers if one.kind == kind] for kind in KINDS}
    for at in range(0, streams, 200):
        await asyncio.gather(*[reader.ask() for reader in readers[at : at + 200]])
    await asyncio.to_thread(server.wait_for_requests, streams)
    assert gateway.metric("requests_in_flight") == streams
    await vanish_in_waves(by_kind["early"], server)
    await asyncio.gather(*[reader.first() for reader in by_kind["midway"]])
    await vanish_in_waves(by_kind["midway"], server)
    go.open()
    await asyncio.gather(*[one.read() for one in by_kind["plain"] + by_kind["slow"]])
    await asyncio.gather(*[one.read() for one in by_kind["late"]])
    await wait(lambda: gateway.metric("requests_in_flight") == 0, "something is in flight")
    server.reset()


@pytest.mark.parametrize("streams", [STREAMS], ids=[f"{STREAMS} streams"])
async def test_all_get_their_stream_and_none_leaves_anything(many_files, server, tmp_path, streams):
    with Serving(tmp_path, server.url) as gateway:
        files = await warm(gateway, server)
        memory = gateway.memory
        await rush(gateway, server, streams)
        await wait(lambda: gateway.open_files <= files + 5, "files are open")
        assert gateway.memory < memory + streams * MEMORY
        assert charged(gateway.ledger)[0] == streams + 1
        assert "Traceback" not in gateway.log
        good(server)
        assert (await asyncio.to_thread(post, gateway.url, WAYS[0])).status_code == 200


async def test_the_next_streams_take_no_more_memory(many_files, server, tmp_path):
    with Serving(tmp_path, server.url) as gateway:
        await warm(gateway, server)
        taken = []
        for _ in range(3):
            await rush(gateway, server, min(STREAMS, 300))
            taken.append(gateway.memory)
        assert taken[-1] <= taken[0] * 1.05, taken


class Endless:
    """A stream without an end, that knows how much of it was sent."""

    def __init__(self):
        self.sent = 0

    def __iter__(self):
        start = LONG.index(b"event: content_block_delta")
        yield LONG[:start]
        deltas = LONG[start : LONG.index(b"event: content_block_stop")]
        while True:
            self.sent += len(deltas)
            yield deltas


MOST_HELD = 32 * 1024 * 1024
"""Of which nearly all is the system's: its buffers of two connections grow up to 10 MB each."""


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
async def test_who_reads_nothing_stops_upstream_and_is_dropped(server, tmp_path, door):
    endless = Endless()
    with Serving(tmp_path, server.url, "[server]\nsend_seconds = 2\n") as gateway:
        files = await warm(gateway, server)
        server.answer_with(lambda request: streamed(endless))
        reader = Reader(gateway.url, door, "plain", small=True)
        await reader.ask()
        await reader.first()
        sent = 0
        while sent < endless.sent:  # it stops
            sent = endless.sent
            await asyncio.sleep(0.3)
        assert server.abandoned == 0
        await asyncio.to_thread(server.wait_until_abandoned, 1)
        assert endless.sent < MOST_HELD
        await wait(lambda: gateway.metric("requests_in_flight") == 0, "it is in flight")
        # The reader holds its side open: that must not hold ours.
        await wait(lambda: gateway.open_files <= files, "its connection is open")
        reader.vanish()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux gives such up")
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
async def test_who_reads_nothing_of_a_whole_answer_does_not_keep_its_connection(
    server, tmp_path, door
):
    with Serving(tmp_path, server.url, "[server]\nsend_seconds = 2\n") as gateway:
        files = await warm(gateway, server)
        server.enqueue(json_answer(message([text_block(TEXT * 500_000)], usage=USAGE)))
        reader = Reader(gateway.url, door, "plain", small=True, stream=False)
        await reader.ask()
        await wait(lambda: charged(gateway.ledger)[0] == 2, "it is not answered")
        server.reset()
        assert gateway.open_files > files
        await wait(lambda: gateway.open_files <= files, "its connection is open")
        reader.vanish()
