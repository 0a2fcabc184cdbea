"""The load and the upstream in one process: clients on one side of a gateway, Claude on the other.

Whole answers come at once. A stream is told in lock-step: the upstream says its next word when the
client has heard the one before. So no two words are ever taken up in one read, as they are not
when a model thinks between them, and the rate of words is the work that one word makes.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from benchmarks.canned import sse_body, whole_body

__all__ = ["Driver", "Load", "Target"]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.1 (\d+)")
_STREAM = re.compile(rb"stream-(\d+)-of-(\d+)-words")
_WHOLE = whole_body("anthropic")
_HEAD, _, _TAIL = sse_body("anthropic")
_WHOLE_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_1\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_WHOLE), _WHOLE)
)
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _frame(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _word(number: int) -> bytes:
    delta = {"type": "text_delta", "text": f" word#{number}#"}
    data = {"type": "content_block_delta", "index": 0, "delta": delta}
    text = json.dumps(data, separators=(",", ":"))
    return _frame(f"event: content_block_delta\ndata: {text}\n\n".encode())


_WORDS = [_word(number) for number in range(2_000)]
_MARKS = [b"#%d#" % number for number in range(2_000)]


@dataclass(frozen=True)
class Target:
    """Where the load goes: a gateway that is called as OpenAI's API is."""

    port: int
    path: str = "/v1/chat/completions"
    headers: tuple[tuple[str, str], ...] = ()
    model: str = "claude-sonnet-5-5"

    def request(self, text: str, *, stream: bool) -> bytes:
        body = json.dumps(
            {
                "model": self.model,
                "messages": [{"role": "user", "content": text}],
                "max_tokens": 1024,
                "stream": stream,
            }
        ).encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return (
            f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n{head}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body


@dataclass
class Load:
    """What one run of requests took.

    Attributes:
        seconds: of them all.
        done: answers.
        words: of streams.
        latencies: of each answer, in seconds.
        failures: answers that were not 200, or broken connections.
        left: streams that their callers left in the middle.
        noticed: for each of them, the seconds until the upstream saw it.
    """

    seconds: float = 0.0
    done: int = 0
    words: int = 0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    left: int = 0
    noticed: list[float] = field(default_factory=list)


class _Upstream(asyncio.Protocol):
    """One connection of the gateway's to Claude."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._data = b""
        self._next = self._words = 0
        self.left_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._driver.upstreams += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.upstreams -= 1
        if self.left_at:
            self._driver.load.noticed.append(perf_counter() - self.left_at)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, blank, body = self._data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not blank or length is None or len(body) < int(length[1]):
            return
        self._data = b""
        stream = _STREAM.search(body)
        if stream is None:
            self._transport.write(_WHOLE_ANSWER)
            return
        self._next, self._words = 0, int(stream[2])
        self._driver.tellers[int(stream[1])] = self
        self._transport.write(_STREAM_HEAD + _frame(_HEAD))
        self.tell()

    def tell(self) -> None:
        if self._next < self._words:
            self._transport.write(_WORDS[self._next])
            self._next += 1
        else:
            self._transport.write(_frame(_TAIL) + _frame(b""))


class _Client(asyncio.Protocol):
    """One connection of a caller's, which asks again as soon as it is answered."""

    def __init__(self, driver: Driver, number: int, words: int) -> None:
        self._driver, self._number, self._words = driver, number, words
        self._data = b""
        self._heard = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        if not self._driver.take():
            self._transport.close()
            return
        text = f"stream-{self._number}-of-{self._words}-words" if self._words else "Hello"
        self._data, self._heard = b"", 0
        self._started = perf_counter()
        self._transport.write(self._driver.target.request(text, stream=bool(self._words)))

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._words and self._heard < self._words:
            if _MARKS[self._heard] in self._data:
                self._heard += 1
                self._driver.load.words += 1
                leaves = self._driver.leaves
                if leaves is not None and leaves(self._number, self._heard):
                    self._leave()
                    return
                self._data = self._data[-64:] if self._heard > 1 else self._data
                self._driver.tellers[self._number].tell()
            elif len(self._data) > 1_000_000:
                self._fail()
            return
        if self._is_complete():
            self._driver.load.latencies.append(perf_counter() - self._started)
            self._driver.load.done += 1
            self._ask()

    def _leave(self) -> None:
        """Go in the middle of a stream, without a word."""
        self._driver.load.left += 1
        self._driver.tellers[self._number].left_at = perf_counter()
        self._transport.abort()

    def _is_complete(self) -> bool:
        if self._words:
            return self._data.endswith(b"0\r\n\r\n")
        head, blank, body = self._data.partition(b"\r\n\r\n")
        if not blank:
            return False
        status = _STATUS.match(head)
        if status is None or status[1] != b"200":
            self._fail()
            return False
        length = _LENGTH.search(head)
        return body.endswith(b"0\r\n\r\n") if length is None else len(body) >= int(length[1])

    def _fail(self) -> None:
        self._driver.load.failures += 1
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.left()


class Driver:
    """Runs loads, one after another, in one event loop.

    Args:
        target: the gateway.

    Attributes:
        upstreams: connections that the gateway holds to the upstream.
        leaves: whether the caller of a number goes after so many words; None: nobody does.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.tellers: dict[int, _Upstream] = {}
        self.load = Load()
        self.upstreams = 0
        self.leaves: Callable[[int, int], bool] | None = None
        self._left_to_ask = 0
        self._connections = 0
        self._over = asyncio.Event()

    def take(self) -> bool:
        """Whether one more request is to be sent."""
        self._left_to_ask -= 1
        return self._left_to_ask >= 0

    def left(self) -> None:
        self._connections -= 1
        if not self._connections:
            self._over.set()

    async def run(self, connections: int, requests: int, words: int = 0) -> Load:
        """Send so many requests over so many connections; streams of so many words if told."""
        self.load, self._left_to_ask = Load(), requests
        self._connections, self._over = connections, asyncio.Event()
        loop = asyncio.get_running_loop()
        started = perf_counter()
        for number in range(connections):
            await loop.create_connection(
                lambda number=number: _Client(self, number, words), "127.0.0.1", self.target.port
            )
        await asyncio.wait_for(self._over.wait(), timeout=600)
        self.load.seconds = perf_counter() - started
        return self.load


async def with_upstream(
    port: int, work: Callable[[Driver], Awaitable[None]], driver: Driver
) -> None:
    """Do some work while Claude listens."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Upstream(driver), "127.0.0.1", port, backlog=4_096)
    async with server:
        await work(driver)
