"""What the engine answers: a status, headers and frames, with the time each takes.

The engine itself neither sleeps nor opens sockets. It says how long to wait before what, and
where the connection breaks; the in-process exchange and the server act on it in their own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["STALL_SECONDS", "Frame", "SimulatedResponse"]

STALL_SECONDS = 3600.0
"""How long a stall lasts for a caller without a read timeout; then the connection breaks."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of a body.

    Attributes:
        data: the bytes to send after the wait; may be empty.
        delay: seconds to wait first.
        cut: whether the connection then breaks without a proper end.
    """

    data: bytes = b""
    delay: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class SimulatedResponse:
    """One answer of the engine.

    Attributes:
        status: HTTP status.
        headers: lower-case names.
        frames: the body; an iterator is consumed once.
        delay: seconds before status and headers come.
        cut: whether the connection breaks instead of answering.
    """

    status: int
    headers: Mapping[str, str]
    frames: Iterable[Frame] = ()
    delay: float = 0.0
    cut: bool = False

    def body(self) -> bytes:
        """The whole body at once, without waiting and without breaking; for tests and tools."""
        return b"".join(frame.data for frame in self.frames)
