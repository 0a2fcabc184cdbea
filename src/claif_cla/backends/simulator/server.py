"""The engine behind a loopback HTTP/1.1 server, so that any Messages API client can call it.

    with serve(port=0) as server:
        client = anthropic.Anthropic(base_url=server.url, api_key="any")

Standard library only. Bodies are bounded as the API bounds them, connections by
`MAX_CONNECTIONS`; an idle connection is closed after `IDLE_SECONDS`. Delays, stalls and cuts
happen on the socket, and a client that goes away ends its answer.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import struct
import threading
from collections.abc import Iterable
from http.client import responses as reasons
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import NoReturn
from urllib.parse import urlsplit

from typing_extensions import Self, override

from claif_cla.backends.simulator.engine import MAX_BODY_BYTES, Engine
from claif_cla.backends.simulator.rejection import error_body
from claif_cla.backends.simulator.reply import Frame, SimulatedResponse

__all__ = ["IDLE_SECONDS", "MAX_CONNECTIONS", "SimulatorServer", "serve"]

MAX_CONNECTIONS = 256
"""Connections served at a time; more wait in the listen queue."""

IDLE_SECONDS = 60.0
"""How long a connection may wait for a request, or a request for its bytes."""

_CHUNK = 64 * 1024
_BACKLOG = 128


class _ClientGone(Exception):  # noqa: N818 - the end of an answer, no error
    """The client closed its side, or the server is stopping."""


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads requests, hands them to the engine, sends the answers."""

    protocol_version = "HTTP/1.1"
    server: _Listener
    timeout = IDLE_SECONDS
    # Frames are small and each matters: none may wait for the next (Nagle's algorithm).
    disable_nagle_algorithm = True

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: tests and pipes own the terminal."""

    def _serve(self) -> None:
        try:
            body = self._read_body()
            target = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = self.server.engine.handle(
                self.command, target.path, headers, body, target.query
            )
            self._send(response)
        except (_ClientGone, OSError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _serve  # noqa: N815

    def _read_body(self) -> bytes:
        if "chunked" in (self.headers.get("transfer-encoding") or "").lower():
            return self._read_chunks()
        text = self.headers.get("content-length") or "0"
        if not (text.isascii() and text.isdigit()):
            self._refuse(400, "content-length: not a number")
        if len(text) > 12 or int(text) > MAX_BODY_BYTES:
            self._refuse(413, "Request exceeds the maximum size")
        return self._exactly(int(text))

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise _ClientGone
        return data

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            line = self.rfile.readline(1024)
            try:
                size = int(line.split(b";")[0].strip(), 16)
            except ValueError:
                self._refuse(400, "transfer-encoding: a chunk without a size")
            if size < 0 or len(body) + size > MAX_BODY_BYTES:
                self._refuse(413, "Request exceeds the maximum size")
            if size == 0:
                break
            body += self._exactly(size)
            self._exactly(2)
        while self.rfile.readline(64 * 1024).strip():
            pass
        return bytes(body)

    def _refuse(self, status: int, message: str) -> NoReturn:
        """Answer without having read the body, which ends the connection.

        What is still under way is read for a moment: closing with bytes unread would reset the
        connection, and the client might lose the answer.
        """
        self.close_connection = True
        body = error_body(status, message, "req_unread")
        self._head(status, {"content-type": "application/json", "content-length": str(len(body))})
        self.wfile.write(body)
        self.wfile.flush()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            for _ in range(2 * MAX_BODY_BYTES // _CHUNK):
                if not self.connection.recv(_CHUNK):
                    break
        raise _ClientGone

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status, reasons.get(status, "Simulated"))
        self.send_header("date", self.date_time_string())
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()

    def _send(self, response: SimulatedResponse) -> None:
        self._wait(response.delay)
        if response.cut:
            self._reset()
            return
        headers = dict(response.headers)
        streamed = headers.get("content-type", "").startswith("text/event-stream")
        frames = list(response.frames) if not streamed else response.frames
        if isinstance(frames, list):
            # A cut body must look cut: its length is announced as if it came whole.
            size = sum(len(frame.data) for frame in frames)
            size += 1 if any(frame.cut for frame in frames) else 0
            headers["content-length"] = str(size)
        else:
            headers["transfer-encoding"] = "chunked"
        self._head(response.status, headers)
        if self.command != "HEAD":
            self._send_frames(frames, chunked=streamed)

    def _send_frames(self, frames: Iterable[Frame], *, chunked: bool) -> None:
        for frame in frames:
            self._wait(frame.delay)
            if frame.cut:
                self._reset()
                return
            if frame.data:
                start = b"%x\r\n" % len(frame.data) if chunked else b""
                self.wfile.write(start + frame.data + (b"\r\n" if chunked else b""))
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _wait(self, seconds: float) -> None:
        """Let time pass, but end when the client goes away or the server stops.

        The connection becomes readable when the client closes it. It also does when a client
        sends its next request early, which is then left where it is.
        """
        if seconds <= 0:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            selector.register(self.server.wake, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(seconds)}
        if self.server.wake in ready:
            raise _ClientGone
        if ready:
            if not self.connection.recv(1, socket.MSG_PEEK):
                raise _ClientGone
            self.server.stopping.wait(seconds)

    def _reset(self) -> None:
        """Break the connection at once, so that the client sees a reset and no proper end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class _Listener(socketserver.ThreadingTCPServer):
    """Accepts connections, each with a thread of its own, up to a bound."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(self, address: tuple[str, int], engine: Engine) -> None:
        self.engine = engine
        self.stopping = threading.Event()
        self.wake, self._waker = socket.socketpair()
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        try:
            super().__init__(address, _Handler)
        except BaseException:
            self._close_pair()
            raise

    @override
    def process_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)  # noqa: S101 - what TCP servers pass
        while not self._places.acquire(timeout=0.1):
            if self.stopping.is_set():
                request.close()
                return
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: object) -> None:
        assert isinstance(request, socket.socket)  # noqa: S101 - what TCP servers pass
        with self._lock:
            known = request in self._open
            self._open.discard(request)
        with contextlib.suppress(OSError):
            super().shutdown_request(request)
        if known:
            self._places.release()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Connections break; that is no news."""

    @property
    def connections(self) -> int:
        """How many connections are open."""
        with self._lock:
            return len(self._open)

    def end(self) -> None:
        """Stop accepting, wake every waiting answer, and close the connections."""
        self.stopping.set()
        self._waker.send(b"x")
        self.shutdown()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._close_pair()

    def _close_pair(self) -> None:
        self.wake.close()
        self._waker.close()


class SimulatorServer:
    """A running or stopped server; a context manager that stops it.

    Args:
        engine: answers the requests; without one, an engine that asks for a key.
        host: address to listen on; loopback unless told.
        port: 0 for any free one.
    """

    def __init__(
        self, engine: Engine | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.engine = engine or Engine(require_key=True)
        self._address = (host, port)
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError unless it runs."""
        if self._listener is None:
            raise RuntimeError("the simulator's server is not running; call `start()`")
        return int(self._listener.server_address[1])

    @property
    def connections(self) -> int:
        """How many connections are open; 0 where it does not run."""
        return 0 if self._listener is None else self._listener.connections

    @property
    def url(self) -> str:
        """What to give a client as `base_url`: `http://127.0.0.1:8765`."""
        host = self._address[0]
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> Self:
        """Listen, and serve in a thread of its own. Raises OSError where the port is taken."""
        if self._listener is None:
            self._listener = _Listener(self._address, self.engine)
            self._thread = threading.Thread(
                target=self._listener.serve_forever,
                kwargs={"poll_interval": 0.05},
                name="claif_cla simulator",
                daemon=True,
            )
            self._thread.start()
        return self

    def wait(self) -> None:
        """Block until the server stops; Ctrl-C gets through."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Break what is under way and give the port back. May be called twice."""
        listener, thread = self._listener, self._thread
        self._listener = self._thread = None
        if listener is not None:
            listener.end()
        if thread is not None:
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve(
    host: str = "127.0.0.1", port: int = 8765, engine: Engine | None = None
) -> SimulatorServer:
    """Start a server.

    Args:
        host: address to listen on. Anything but loopback opens the simulator to the network.
        port: 0 for any free one.
        engine: answers the requests; without one, an engine that asks for a key.

    Raises:
        OSError: the address can't be bound.
    """
    return SimulatorServer(engine, host=host, port=port).start()
