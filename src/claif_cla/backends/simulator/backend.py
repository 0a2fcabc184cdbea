"""The simulator as a backend: the engine in process, with its delays and breakages acted out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping

import anyio

from claif_cla.backends.base import Hop
from claif_cla.backends.simulator.engine import Engine
from claif_cla.backends.simulator.reply import Frame, SimulatedResponse
from claif_cla.backends.simulator.wire_errors import read_timeout, remote_protocol_error
from claif_cla.wire.http import AsyncExchange, Exchange, UpstreamRequest

__all__ = ["SimulatorBackend"]


class SimulatorBackend:
    """Answers Messages requests without a network, a key or a model.

    Args:
        engine: an engine of your own; without one, a new `Engine` with the options below.
        faults: see `claif_cla.backends.simulator.faults`.
        pace: `"ttft=SECONDS;tps=TOKENS_PER_SECOND"`.

    Raises:
        ValueError: `faults` or `pace` is not understood, or given beside `engine`.
    """

    name: str = "simulator"
    needs_key: bool = False

    def __init__(self, engine: Engine | None = None, *, faults: str = "", pace: str = "") -> None:
        if engine is not None and (faults or pace):
            raise ValueError("give `faults` and `pace` to the `Engine`, or leave `engine` out")
        self.engine = engine or Engine(faults=faults, pace=pace)

    def is_official(self, root: str) -> bool:
        """The simulator knows the models of Anthropic's own API, whatever the base URL."""
        return True

    def open(self, request: UpstreamRequest, hop: Hop) -> Exchange:
        """Answer; waits for the simulated time to the first byte.

        Raises:
            ReadTimeout, RemoteProtocolError: of the caller's HTTP library, for simulated faults.
            RuntimeError: if the client has been closed.
        """
        response = self._handle(request, hop)
        timeout = _read_timeout(hop)
        if response.delay:
            time.sleep(_wait(response.delay, timeout))
        _check_opening(response, timeout, hop)
        return _SimulatedExchange(response, hop)

    async def aopen(self, request: UpstreamRequest, hop: Hop) -> AsyncExchange:
        """`open`, for the async client."""
        response = self._handle(request, hop)
        timeout = _read_timeout(hop)
        await anyio.sleep(_wait(response.delay, timeout))
        _check_opening(response, timeout, hop)
        return _AsyncSimulatedExchange(response, hop)

    def _handle(self, request: UpstreamRequest, hop: Hop) -> SimulatedResponse:
        if getattr(hop.http, "is_closed", False):  # nothing else of the client would notice here
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        return self.engine.handle(
            request.method, request.path, request.headers, request.body, request.query
        )


def _read_timeout(hop: Hop) -> float | None:
    """The read timeout in seconds, from where httpx keeps it; None is no limit."""
    timeout = hop.extensions.get("timeout")
    value = timeout.get("read") if isinstance(timeout, Mapping) else None
    return None if value is None else float(value)


def _wait(delay: float, timeout: float | None) -> float:
    return delay if timeout is None else min(delay, timeout)


def _times_out(delay: float, timeout: float | None) -> bool:
    return timeout is not None and delay > timeout


def _check_opening(response: SimulatedResponse, timeout: float | None, hop: Hop) -> None:
    if _times_out(response.delay, timeout):
        raise read_timeout(hop.http)
    if response.cut:
        raise remote_protocol_error(hop.http)


class _Answered:
    """What both exchanges share: the response, and the frame that a read arrives at."""

    def __init__(self, response: SimulatedResponse, hop: Hop) -> None:
        self._frames: Iterator[Frame] = iter(response.frames)
        self._hop = hop
        self._timeout = _read_timeout(hop)
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    def _outcome(self, frame: Frame) -> bytes:
        """The bytes of a frame whose wait is over; raises what the frame stands for."""
        if _times_out(frame.delay, self._timeout):
            raise read_timeout(self._hop.http)
        if frame.cut:
            raise remote_protocol_error(self._hop.http)
        return frame.data


class _SimulatedExchange(_Answered):
    """`Exchange`; a wait ends at once when another thread closes it."""

    def __init__(self, response: SimulatedResponse, hop: Hop) -> None:
        super().__init__(response, hop)
        self._closed = threading.Event()

    def read(self) -> bytes:
        while not self._closed.is_set():
            frame = next(self._frames, None)
            if frame is None:
                break
            if frame.delay and self._closed.wait(_wait(frame.delay, self._timeout)):
                break
            data = self._outcome(frame)
            if data:
                return data
        return b""

    def close(self) -> None:
        self._closed.set()


class _AsyncSimulatedExchange(_Answered):
    """`AsyncExchange`; a wait ends at once when another task closes it."""

    def __init__(self, response: SimulatedResponse, hop: Hop) -> None:
        super().__init__(response, hop)
        self._closed = anyio.Event()

    async def read(self) -> bytes:
        while not self._closed.is_set():
            frame = next(self._frames, None)
            if frame is None:
                break
            if frame.delay and await self._closed_within(_wait(frame.delay, self._timeout)):
                break
            data = self._outcome(frame)
            if data:
                return data
        return b""

    async def _closed_within(self, seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            await self._closed.wait()
        return self._closed.is_set()

    async def close(self) -> None:
        self._closed.set()
