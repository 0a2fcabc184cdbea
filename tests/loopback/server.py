"""The loopback server: one thread, one asyncio loop, any number of connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from loopback.connection import Connection, ReceivedRequest
from loopback.script import TIMEOUT, Script, json_answer

__all__ = ["LoopbackServer", "refused_address"]

BACKLOG = 4_096
"""Connections that the kernel holds: a test may open thousands at once."""


@contextlib.contextmanager
def refused_address() -> Iterator[str]:
    """The URL of a port that refuses connections for as long as the context is open."""
    # Bound, so that nobody else can get the port, and not listening, so that it refuses.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@dataclass
class LoopbackServer:
    """The server; a context manager. Its methods may be called from any thread.

    It may be entered again after its end, as a server that dies and comes back.

    Attributes:
        port: to listen on; 0 for a free one, which a second start has again.
        requests: every complete request since the last `reset`, in order of arrival.
        failures: what went wrong in the server itself: a script or a callable that raised, a
            request that is no HTTP, an answer that nobody had provided. Tests expect it empty.
        abandoned: how many answers a client left before their end, since the last `reset`.
    """

    port: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    abandoned: int = 0
    _scripts: deque[Script] = field(default_factory=deque)
    _answer: Callable[[ReceivedRequest], Script] | None = None
    _connections: set[Connection] = field(default_factory=set)
    _state: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> LoopbackServer:  # noqa: PYI034  # Self is Python 3.11
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._thread.start()
        self._listener = self._run(self._listen())
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._run(self._shut())
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT)
        self._loop.close()

    @property
    def url(self) -> str:
        """The root, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def enqueue(self, *scripts: Script) -> None:
        """Answer the next requests with these, in order of arrival."""
        with self._state:
            self._scripts.extend(scripts)

    def answer_with(self, answer: Callable[[ReceivedRequest], Script]) -> None:
        """Answer each request for which nothing is queued with what `answer` makes of it."""
        self._answer = answer

    @property
    def last(self) -> ReceivedRequest:
        """The newest request."""
        return self.requests[-1]

    @property
    def open_connections(self) -> int:
        """How many client sockets are open, idle ones included."""
        with self._state:
            return len(self._connections)

    @property
    def busy(self) -> int:
        """How many of them are in the middle of a request or an answer."""
        with self._state:
            return self._busy()

    def wait_until_closed(self, timeout: float = TIMEOUT) -> None:
        """Block until no connection is in the middle of an answer. Raises TimeoutError.

        Idle keep-alive connections may stay. After a script that ends with `Ending.STALL` or
        stands at a `Gate`, only a client that closes its connection gets past here.
        """
        self._wait_for(lambda: self._busy() == 0, timeout, "connections are still busy")

    def wait_until_abandoned(self, count: int = 1, timeout: float = TIMEOUT) -> None:
        """Block until clients have left `count` answers before their end. Raises TimeoutError."""
        self._wait_for(lambda: self.abandoned >= count, timeout, "no client left its answer")

    def wait_for_requests(self, count: int, timeout: float = TIMEOUT) -> None:
        """Block until `count` requests have come since the last `reset`. Raises TimeoutError."""
        self._wait_for(lambda: len(self.requests) >= count, timeout, "requests are missing")

    def reset(self) -> None:
        """Drop every connection, and forget all scripts, requests and failures."""
        self._run(self._drop_all())
        with self._state:
            self._scripts.clear()
            self._answer = None
            self.requests.clear()
            self.failures.clear()
            self.abandoned = 0

    def _wait_for(self, ready: Callable[[], bool], timeout: float, complaint: str) -> None:
        with self._state:
            if not self._state.wait_for(ready, timeout):
                raise TimeoutError(
                    f"{complaint} after {timeout} s: {len(self._connections)} open, "
                    f"{self._busy()} busy, {self.abandoned} abandoned, "
                    f"{len(self.requests)} requests"
                )

    def _busy(self) -> int:
        return sum(connection.busy for connection in self._connections)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT)

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            lambda: Connection(self), "127.0.0.1", self.port, backlog=BACKLOG
        )

    async def _shut(self) -> None:
        # In this order: asyncio trips over a connection accepted just before its server closed.
        await self._drop_all()
        self._listener.close()

    async def _drop_all(self) -> None:
        # Tasks and not connections: one that was just accepted is a task first.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for connection in list(self._connections):
                connection.abort()
            await asyncio.wait(others)

    def script_for(self, request: ReceivedRequest) -> Script:
        with self._state:
            self.requests.append(request)
            self._state.notify_all()
            if self._scripts:
                return self._scripts.popleft()
        if self._answer is None:
            complaint = f"nothing is queued for {request.method} {request.target}"
        else:
            try:
                return self._answer(request)
            except Exception:  # noqa: BLE001  # told to the client and to the test's end
                complaint = traceback.format_exc()
        self.failed(complaint)
        return json_answer({"error": {"type": "loopback", "message": complaint}}, status=418)

    def failed(self, complaint: str) -> None:
        """A connection met a failure."""
        self.failures.append(complaint)

    def joined(self, connection: Connection) -> None:
        with self._state:
            self._connections.add(connection)

    def left(self, connection: Connection) -> None:
        with self._state:
            self._connections.discard(connection)
            self._state.notify_all()

    def note(self, connection: Connection, *, busy: bool, abandoned: bool = False) -> None:
        with self._state:
            connection.busy = busy
            self.abandoned += abandoned
            self._state.notify_all()
