"""What a request is answered with: raw bytes and gates in order, then an ending."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

__all__ = [
    "TIMEOUT",
    "Ending",
    "Gate",
    "Script",
    "cut",
    "cut_every",
    "json_answer",
    "no_answer",
    "raw",
    "streamed",
    "whole",
]

TIMEOUT = 10.0
"""Seconds after which a wait of a test is given up."""


class Ending(Enum):
    """What becomes of the connection when all steps of a script are sent."""

    KEEP = "the answer is complete; the connection waits for the next request"
    CLOSE = "FIN, complete or not"
    RESET = "RST"
    STALL = "nothing more is sent until the client leaves or the server is reset"


class Gate:
    """A pause in a script until the test calls `open`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reached = threading.Event()
        self._open = False
        self._waiting: list[Callable[[], None]] = []

    def open(self) -> None:
        """Let the server go on, now and whenever it comes by again."""
        with self._lock:
            self._open = True
            waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def wait_until_reached(self, timeout: float = TIMEOUT) -> None:
        """Block until a script has come to this gate. Raises TimeoutError."""
        if not self._reached.wait(timeout):
            raise TimeoutError(f"no script came to this gate within {timeout} s")

    def reach(self, wake: Callable[[], None]) -> None:
        with self._lock:
            if not self._open:
                self._waiting.append(wake)
                wake = _nothing
        self._reached.set()
        if wake is not _nothing:
            wake()


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Script:
    """The answer to one request, as bytes on the wire.

    Attributes:
        steps: raw bytes to send, and gates to wait at; may be endless, and must be iterable anew
            for each request that the script answers.
        ending: what becomes of the connection afterwards.
    """

    steps: Iterable[bytes | Gate]
    ending: Ending = Ending.KEEP


def whole(  # noqa: PLR0913  # each is a property of an HTTP answer
    body: bytes = b"",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    declared: int | None = None,
    gate: Gate | None = None,
    ending: Ending = Ending.KEEP,
) -> Script:
    """An answer in one piece.

    Args:
        body: the whole body.
        status: HTTP status.
        headers: further headers.
        declared: a content-length other than the true one; use it with `Ending.CLOSE`.
        gate: to wait at before the status line.
        ending: see `Ending`.
    """
    length = len(body) if declared is None else declared
    head = _head(status, {"content-length": str(length), **(headers or {})})
    before = () if gate is None else (gate,)
    return Script((*before, head + body), ending)


def json_answer(
    value: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    gate: Gate | None = None,
) -> Script:
    """A JSON body in one piece."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return whole(body, status, {"content-type": "application/json", **(headers or {})}, gate=gate)


def streamed(
    body: bytes | Iterable[bytes | Gate],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    gate: Gate | None = None,
    ending: Ending = Ending.KEEP,
) -> Script:
    """An answer in pieces, each of them one chunk of the chunked transfer coding.

    HTTP clients hand out chunk by chunk, so the pieces arrive as they were cut. With any ending
    but `Ending.KEEP` the last chunk, which says that the body is complete, is not sent.

    Args:
        body: the bytes, or pieces and gates in order; may be endless.
        status: HTTP status.
        headers: further headers; `content-type` is `text/event-stream` unless told.
        gate: to wait at before the status line.
        ending: see `Ending`.
    """
    fields = {"content-type": "text/event-stream; charset=utf-8", **(headers or {})}
    head = _head(status, {"transfer-encoding": "chunked", **fields})
    pieces = (body,) if isinstance(body, bytes) else body
    return Script(_Chunked(gate, head, pieces, ending is Ending.KEEP), ending)


def raw(data: bytes, ending: Ending = Ending.CLOSE) -> Script:
    """Exactly these bytes instead of an HTTP answer."""
    return Script((data,), ending)


def no_answer(ending: Ending) -> Script:
    """No status line: closed, reset, or never a word."""
    return Script((), ending)


def cut(data: bytes, offsets: Iterable[int]) -> list[bytes]:
    """`data` cut at these offsets, in any order; empty pieces are left out."""
    edges = [0, *sorted({min(max(offset, 0), len(data)) for offset in offsets}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


def cut_every(data: bytes, size: int) -> list[bytes]:
    """`data` in pieces of `size` bytes."""
    return cut(data, range(size, len(data), size))


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = ""
    lines = [
        f"HTTP/1.1 {status} {reason}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True)
class _Chunked:
    """The steps of `streamed`; iterable anew if `pieces` is."""

    gate: Gate | None
    head: bytes
    pieces: Iterable[bytes | Gate]
    complete: bool

    def __iter__(self) -> Iterator[bytes | Gate]:
        if self.gate is not None:
            yield self.gate
        yield self.head
        for piece in self.pieces:
            if isinstance(piece, Gate):
                yield piece
            elif piece:
                yield b"%x\r\n%b\r\n" % (len(piece), piece)
        if self.complete:
            yield b"0\r\n\r\n"
