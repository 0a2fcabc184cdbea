"""The canned upstream: answers as fast as a Python process can, in a process of its own.

    python -m benchmarks.upstream

prints its port and serves until its standard input ends. The path says what is answered:

    /whole/v1/messages            /whole/v1/chat/completions
    /stream-300/v1/messages       /stream-300/v1/chat/completions

A request is read to its last byte and not looked at; an answer is a list of byte strings of which
the long one, a round of events, is written again and again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ambient import clean_environment
from benchmarks.canned import PIECES, sse_body, whole_body

__all__ = ["running_upstream"]

_PATH = re.compile(rb"/(?:whole|stream-(\d+))/v1/(messages|chat/completions)(?:\?.*)?$")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
_NO_LENGTH = b"HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_HEADERS = {
    "anthropic": b"request-id: req_011BenchmarkBenchmark\r\n"
    b"anthropic-organization-id: 00000000-0000-0000-0000-000000000000\r\n"
    b"anthropic-ratelimit-requests-limit: 4000\r\n"
    b"anthropic-ratelimit-requests-remaining: 3999\r\n"
    b"anthropic-ratelimit-requests-reset: 2026-11-01T00:00:00Z\r\n"
    b"anthropic-ratelimit-tokens-limit: 480000\r\n"
    b"anthropic-ratelimit-tokens-remaining: 480000\r\n"
    b"anthropic-ratelimit-tokens-reset: 2026-11-01T00:00:00Z\r\n",
    "openai": b"x-request-id: req_BenchmarkBenchmarkBenchmark\r\n"
    b"openai-organization: org-benchmark\r\n"
    b"openai-processing-ms: 1\r\n"
    b"openai-version: 2020-10-01\r\n"
    b"x-ratelimit-limit-requests: 10000\r\n"
    b"x-ratelimit-remaining-requests: 9999\r\n"
    b"x-ratelimit-reset-requests: 6ms\r\n"
    b"x-ratelimit-limit-tokens: 480000\r\n"
    b"x-ratelimit-remaining-tokens: 480000\r\n"
    b"x-ratelimit-reset-tokens: 0s\r\n",
}

Answer = tuple[bytes, bytes, int, bytes]
"""What is written once, what again and again, how often, and what ends it."""


class Answers:
    """The answers by path, each made when it is first asked for.

    Args:
        events_per_frame: so many events share one frame of the chunked transfer encoding. The
            more, the less of a measured time is HTTP's own, which is the same for all libraries.
    """

    def __init__(self, events_per_frame: int) -> None:
        self._events_per_frame = events_per_frame
        self._made: dict[bytes, Answer | None] = {}

    def at(self, path: bytes) -> Answer | None:
        """None if nothing is there."""
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def _make(self, path: bytes) -> Answer | None:
        match = _PATH.match(path)
        if match is None:
            return None
        wire = "anthropic" if match[2] == b"messages" else "openai"
        start = b"HTTP/1.1 200 OK\r\ndate: Sun, 01 Nov 2026 00:00:00 GMT\r\n" + _HEADERS[wire]
        if match[1]:
            start += b"content-type: text/event-stream; charset=utf-8\r\n"
            start += b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
            return self._stream(wire, start, int(match[1]))
        body = whole_body(wire)
        start += b"content-type: application/json\r\n"
        return start + b"content-length: %d\r\n\r\n" % len(body) + body, b"", 0, b""

    def _stream(self, wire: str, start: bytes, chunks: int) -> Answer:
        head, events, tail = sse_body(wire)
        rounds, rest = divmod(chunks, len(PIECES))
        end = self._frames(events[:rest]) + _frame(tail) + _frame(b"")
        return start + _frame(head), self._frames(events), rounds, end

    def _frames(self, events: list[bytes]) -> bytes:
        step = self._events_per_frame
        return b"".join(
            _frame(b"".join(events[at : at + step])) for at in range(0, len(events), step)
        )


def _frame(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    """One client's connection, kept alive; requests come one after another."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._head = b""
        self._path = b""
        self._body_left = 0
        self._again = b""
        self._times = 0
        self._end = b""
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._times = 0

    def data_received(self, data: bytes) -> None:
        if self._body_left:
            self._take_body(len(data))
            return
        self._head += data
        head, blank, body = self._head.partition(b"\r\n\r\n")
        if not blank:
            return
        self._head = b""
        self._path = head.split(b" ", 2)[1]
        length = _LENGTH.search(head)
        if length is None:
            self._transport.write(_NO_LENGTH)
            self._transport.close()
            return
        self._body_left = int(length[1])
        self._take_body(len(body))

    def _take_body(self, size: int) -> None:
        self._body_left -= size
        if self._body_left > 0:
            return
        answer = self._answers.at(self._path)
        if answer is None:
            self._transport.write(_NOT_FOUND)
            return
        start, self._again, self._times, self._end = answer
        self._transport.write(start)
        self._write_on()

    def _write_on(self) -> None:
        while self._times and not self._paused:
            self._times -= 1
            self._transport.write(self._again)
        if not self._times and self._end:
            self._transport.write(self._end)
            self._end = b""

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._write_on()


async def _serve(answers: Answers) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


@contextlib.contextmanager
def running_upstream(events_per_frame: int = 100) -> Iterator[str]:
    """Its URL, without a path, for as long as the block lasts."""
    command = [sys.executable, "-m", "benchmarks.upstream"]
    command += ["--events-per-frame", str(events_per_frame)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parent.parent,
        env=clean_environment(),
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description="The canned upstream of the benchmarks.")
    parser.add_argument("--events-per-frame", type=int, default=100)
    arguments = parser.parse_args()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Answers(arguments.events_per_frame)))


if __name__ == "__main__":
    main()
