"""The short way from an answer to the socket, past uvicorn's `send`.

uvicorn writes head and body of an answer in two system calls, and searches each header twice. Here
a whole answer is one write, and a piece of a stream is framed where it stands. What is out of the
ordinary (a caller who is slow to read, `HEAD`, a header that is none) is left to uvicorn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

__all__ = ["Direct"]

_FIELD = b": ".join


class Direct:
    """The answer to one request of one connection; both ways may be mixed.

    Args:
        cycle: uvicorn's; its state is kept as its `send` would.
        loop: that the connection is served in.
    """

    __slots__ = ("_cycle", "loop")

    def __init__(self, cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop) -> None:
        self._cycle, self.loop = cycle, loop

    @property
    def has_come(self) -> bool:
        """Whether `receive` has something to tell at once: of the body, or that the caller left."""
        return self._cycle.message_event.is_set()

    def whole(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write an answer; False where that is left to uvicorn, and nothing is done.

        Args:
            status: not one that has no body.
            headers: with `content-length`.
            body: all of it.
        """
        cycle = self._cycle
        if cycle.response_started or cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        if cycle.disconnected:
            return True
        fields = [*cycle.default_headers, *headers]
        head = b"\r\n".join(map(_FIELD, fields))
        breaks = len(fields) - 1
        if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
            return False
        end = b"\r\n\r\n" if cycle.keep_alive else b"\r\nconnection: close\r\n\r\n"
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"%b%b%b%b" % (STATUS_LINE[status], head, end, body))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True

    def abort(self) -> None:
        """Close the connection at once: who takes nothing would never take the rest."""
        self._cycle.transport.abort()

    def piece(self, data: bytes) -> bool:
        """Write some bytes of a stream that has begun; False as `whole`. Not the last ones."""
        cycle = self._cycle
        if cycle.response_complete or not cycle.chunked_encoding or cycle.flow.write_paused:
            return False
        if data and not cycle.disconnected:
            cycle.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        return True
