"""How faults change an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from claif_cla.backends.simulator.faults import Fault
from claif_cla.backends.simulator.rejection import ERROR_TYPES, error_body
from claif_cla.backends.simulator.reply import STALL_SECONDS, Frame, SimulatedResponse
from claif_cla.wire.json_text import dump_bytes
from claif_cla.wire.sse import encode

__all__ = ["break_response", "break_stream", "fault_response"]

_MESSAGES: Mapping[int, str] = {
    400: "The simulator was asked for an invalid request error.",
    401: "invalid x-api-key",
    402: "Your account has insufficient credits; this is a simulated billing error.",
    403: "Your API key does not have permission to use the specified resource.",
    404: "Not found",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit; this is a simulated one.",
    504: "Request timed out",
    529: "Overloaded",
}
_STREAM_MESSAGES: Mapping[str, str] = {
    "overloaded_error": "Overloaded",
    "api_error": "Internal server error",
}
_HTML = (
    b"<html>\r\n<head><title>Simulated gateway error</title></head>\r\n"
    b"<body><center><h1>Simulated gateway error</h1></center></body>\r\n</html>\r\n"
)


def fault_response(fault: Fault, headers: Mapping[str, str]) -> SimulatedResponse | None:
    """The answer that a fault gives in place of any other; None where it only breaks one."""
    if fault.kind in ("stall", "cut") and fault.at == 0:
        delay = STALL_SECONDS if fault.kind == "stall" else 0.0
        return SimulatedResponse(0, headers, delay=delay, cut=True)
    if fault.kind != "status":
        return None
    unnamed = "Internal server error" if fault.status >= 500 else "The simulator was told to."
    message = fault.message or _MESSAGES.get(fault.status, unnamed)
    body = error_body(fault.status, message, headers["request-id"])
    kind = "application/json"
    if fault.body == "html":
        body, kind = _HTML, "text/html"
    elif fault.body == "empty":
        body = b""
    elif fault.body == "invalid-json":
        body = body[: len(body) // 2]
    extra = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
    return SimulatedResponse(
        fault.status, {**headers, "content-type": kind, **extra}, (Frame(body),)
    )


def break_response(fault: Fault, response: SimulatedResponse) -> SimulatedResponse:
    """Break an answer that is not streamed: in the middle of its body, or by a status."""
    if fault.kind == "stream-error":
        status = next(
            (status for status, kind in ERROR_TYPES.items() if kind == fault.error_type), 500
        )
        same = Fault(kind="status", status=status, message=fault.message)
        return fault_response(same, response.headers) or response
    body = response.body()
    ending = _ending(fault)
    frames = (Frame(body[: len(body) // 2]), ending)
    return SimulatedResponse(response.status, response.headers, frames, response.delay)


def break_stream(fault: Fault, frames: Iterable[Frame], request_id: str) -> Iterator[Frame]:
    """Break a stream before its event number `fault.at`, or before its last one."""
    source = iter(frames)
    held = next(source, None)
    number = 1
    while held is not None:
        following = next(source, None)
        if number >= fault.at or following is None:
            break
        yield held
        held, number = following, number + 1
    if fault.kind == "stream-error":
        message = fault.message or _STREAM_MESSAGES.get(fault.error_type, fault.error_type)
        # As quoted from real streams: `details` is there, and null, in this form only.
        error = {"details": None, "type": fault.error_type, "message": message}
        event = {"type": "error", "error": error, "request_id": request_id}
        yield Frame(encode(dump_bytes(event), "error"))
        return
    half = held.data[: len(held.data) // 2] if fault.half and held is not None else b""
    yield from chain((Frame(half),) if half else (), (_ending(fault),))


def _ending(fault: Fault) -> Frame:
    return Frame(delay=STALL_SECONDS if fault.kind == "stall" else 0.0, cut=True)
