"""One client socket of the loopback server: requests in, scripts out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from loopback.script import Ending, Gate, Script

__all__ = ["Connection", "Host", "ReceivedRequest"]

_MAX_HEAD = 256 * 1024
_MAX_BODY = 256 * 1024 * 1024


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it came: header names in lower case, the body undone of its framing."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query without `?`; empty if there is none."""
        return self.target.partition("?")[2]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class UnreadableRequestError(Exception):
    """What the client sent is no HTTP/1.1 request that this server can read."""


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = first.split(" ")
        pairs = [line.split(":", 1) for line in lines]
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
    except ValueError:
        raise UnreadableRequestError(f"unreadable request head: {head[:200]!r}") from None
    if version != "HTTP/1.1":
        raise UnreadableRequestError(f"unexpected version {version!r}")
    return method, target, headers


class Host(Protocol):
    """What a connection tells the server, and asks it."""

    def joined(self, connection: Connection) -> None: ...
    def left(self, connection: Connection) -> None: ...
    def note(self, connection: Connection, *, busy: bool, abandoned: bool = False) -> None: ...
    def failed(self, complaint: str) -> None: ...
    def script_for(self, request: ReceivedRequest) -> Script: ...


class Connection(asyncio.Protocol):
    """One client socket: reads requests one after the other and plays their scripts."""

    def __init__(self, host: Host) -> None:
        self.busy = False
        self.gone = False
        self._host = host
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._lost = False
        self._writable = True
        self._transport: asyncio.Transport
        self.task: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # With no write buffer, `_writable` means that all bytes have reached the kernel.
        transport.set_write_buffer_limits(high=0)
        self._host.joined(self)
        self.task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._changed.set()

    def eof_received(self) -> bool:
        self.gone = True
        self._changed.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = self._lost = True
        self._changed.set()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._changed.set()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._transport.abort()

    async def _until(self, ready: Callable[[], bool]) -> bool:
        """Wait for `ready`; False if the client left first."""
        while not ready():
            if self.gone:
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    async def _serve(self) -> None:
        try:
            while (request := await self._read_request()) is not None:
                script = self._host.script_for(request)
                complete = await self._play(script)
                self._host.note(self, busy=False, abandoned=not complete)
                if script.ending is not Ending.KEEP:
                    break
        except UnreadableRequestError as error:
            self._host.failed(str(error))
        except Exception:  # noqa: BLE001  # a broken script must fail its test, not hang it
            self._host.failed(traceback.format_exc())
        finally:
            self._transport.close()
            while not self._lost:
                self._changed.clear()
                await self._changed.wait()
            # Last, so that whoever waits for this finds everything else noted.
            self._host.left(self)

    async def _play(self, script: Script) -> bool:
        """Send the steps and bring about the ending; False if the client left before that."""
        for step in script.steps:
            if self.gone:
                return False
            if isinstance(step, Gate):
                await self._pass(step)
                continue
            self._transport.write(step)
            # An endless body must not starve the loop that has to see the client leave.
            await asyncio.sleep(0)
            if not await self._until(lambda: self._writable):
                return False
        if script.ending is Ending.STALL:
            return await self._until(lambda: False)
        if script.ending is Ending.RESET:
            linger = struct.pack("ii", 1, 0)
            client: socket.socket = self._transport.get_extra_info("socket")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        return True

    async def _pass(self, gate: Gate) -> None:
        opened = False
        loop = asyncio.get_running_loop()

        def wake() -> None:
            nonlocal opened
            opened = True
            self._changed.set()

        def wake_from_any_thread() -> None:
            with contextlib.suppress(RuntimeError):  # the server was stopped meanwhile
                loop.call_soon_threadsafe(wake)

        gate.reach(wake_from_any_thread)
        await self._until(lambda: opened)

    async def _read_request(self) -> ReceivedRequest | None:
        """The next request; None if the client leaves before it is complete."""
        head = await self._take_through(b"\r\n\r\n", _MAX_HEAD)
        if head is None:
            return None
        method, target, headers = _parse_head(head)
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = await self._read_chunks()
        else:
            body = await self._take(int(headers.get("content-length", "0")))
        return None if body is None else ReceivedRequest(method, target, headers, bytes(body))

    async def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while (line := await self._take_through(b"\r\n", _MAX_HEAD)) is not None:
            size = int(line.split(b";")[0], 16)
            chunk = await self._take(size + 2)
            if chunk is None:
                return None
            if size == 0:
                return bytes(body)
            body += chunk[:-2]
            if len(body) > _MAX_BODY:
                raise UnreadableRequestError(f"a body larger than {_MAX_BODY} bytes")
        return None

    async def _take_through(self, end: bytes, limit: int) -> bytes | None:
        if not await self._until(lambda: bool(self._buffer)):
            return None
        self._host.note(self, busy=True)
        if not await self._until(lambda: end in self._buffer or len(self._buffer) > limit):
            return None
        before, found, after = self._buffer.partition(end)
        if not found:
            raise UnreadableRequestError(f"no end of the head within {limit} bytes")
        self._buffer = after
        return bytes(before)

    async def _take(self, size: int) -> bytes | None:
        if size > _MAX_BODY:
            raise UnreadableRequestError(f"a body larger than {_MAX_BODY} bytes")
        if not await self._until(lambda: len(self._buffer) >= size):
            return None
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data
