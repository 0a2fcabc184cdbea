"""Everything that goes wrong upstream, and what is to become of it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from gateway.faults.made import EVENTS, FULL_COST, MIDDLE, PROMPT_COST, WAYS, WHOLE
from loopback import (
    Ending,
    error_body,
    error_event,
    json_answer,
    no_answer,
    sse,
    streamed,
    whole,
)

__all__ = ["FAULTS", "SILENCES", "WELL", "Fault"]

BODY = json_answer(WHOLE).steps[0].partition(b"\r\n\r\n")[2]
SOON = {"retry-after-ms": "10"}
HTML = b"<html><body>Bad gateway</body></html>"
OVERLOADED = sse([error_event("overloaded_error", "Overloaded")])


def page(status):
    return whole(HTML, status, {"content-type": "text/html", **SOON})


def failed(status, kind, **headers):
    return json_answer(error_body(kind, "no"), status, {**SOON, **headers})


def part(ending):
    """A whole answer of which the end is missing."""
    return whole(BODY[:-20], declared=len(BODY), ending=ending)


def beginning(ending, less=0):
    """A stream up to its middle, or so many bytes less."""
    return streamed(EVENTS[: MIDDLE - less], ending=ending)


class Fault(NamedTuple):
    """What upstream does, and what becomes of it.

    Attributes:
        scripts: upstream's answers in turn; what it is asked beyond them, it answers well.
        requests: that upstream has seen in the end.
        status: of the answer to the caller.
        chat, messages: the error in each API's words; None for a good answer.
        cost: the lowest and the highest, in micro-USD.
    """

    scripts: tuple = ()
    requests: int = 1
    status: int = 200
    chat: str | None = None
    messages: str | None = None
    cost: tuple[int, int] = (0, 0)


WELL = Fault()


def recovers(*scripts):
    return Fault(scripts, len(scripts) + 1, cost=(FULL_COST, FULL_COST))


EITHER = {
    "reset before the headers, then well": recovers(no_answer(Ending.RESET)),
    "closed before the headers, then well": recovers(no_answer(Ending.CLOSE)),
    "500, then well": recovers(failed(500, "api_error")),
    "529, then well": recovers(failed(529, "overloaded_error")),
    "429, then well": recovers(failed(429, "rate_limit_error")),
    "HTML with 502, then well": recovers(page(502)),
    "reset before the headers": Fault(
        (no_answer(Ending.RESET),) * 2, 2, 502, "upstream_unreachable", "api_error"
    ),
    "no HTTP": Fault(
        (whole(b"", 200, {"content-length": "x"}),) * 2, 2, 502, "upstream_unreachable", "api_error"
    ),
    "429 for an hour": Fault(
        (failed(429, "rate_limit_error", **{"retry-after-ms": "3600000"}),),
        1,
        429,
        "rate_limit_exceeded",
        "rate_limit_error",
    ),
    "HTML with 502": Fault((page(502),) * 2, 2, 502, "api_error", "api_error"),
    "HTML with 200": Fault((page(200),), 1, 502, "malformed_answer", "api_error"),
    "wrong JSON": Fault(
        (whole(BODY[:-20], 200, {"content-type": "application/json"}),),
        1,
        502,
        "malformed_answer",
        "api_error",
    ),
}
WHOLES = {
    "reset in the middle": Fault((part(Ending.RESET),), 1, 502, "upstream_cut", "api_error"),
    "closed in the middle": Fault((part(Ending.CLOSE),), 1, 502, "upstream_cut", "api_error"),
}
MIDWAY = (PROMPT_COST, FULL_COST - 1)
STREAMS = {
    "reset after the headers, then well": recovers(streamed(b"", ending=Ending.RESET)),
    "an error event first, then well": recovers(streamed(OVERLOADED)),
    "an error event in the middle": Fault(
        (streamed(EVENTS[:MIDDLE] + OVERLOADED),), 1, 200, "overloaded", "overloaded_error", MIDWAY
    ),
    "reset in the middle": Fault(
        (beginning(Ending.RESET),), 1, 200, "upstream_cut", "api_error", MIDWAY
    ),
    "closed in the middle": Fault(
        (beginning(Ending.CLOSE),), 1, 200, "upstream_cut", "api_error", MIDWAY
    ),
    "reset in the middle of a line": Fault(
        (beginning(Ending.RESET, less=30),), 1, 200, "upstream_cut", "api_error", MIDWAY
    ),
    "reset behind the end": Fault(
        (streamed(EVENTS, ending=Ending.RESET),), 1, cost=(FULL_COST, FULL_COST)
    ),
    "ended in the middle, as if it were complete": Fault(
        (beginning(Ending.KEEP),), 1, 200, "stream_truncated", "api_error", MIDWAY
    ),
}
TOO_LATE = (1, 504, "upstream_timeout", "timeout_error")
# Not tried again: upstream may be at work on it, which costs what it costs.
STALLS = {
    "silent before the headers": Fault((no_answer(Ending.STALL),), *TOO_LATE),
}
STALLED_WHOLES = {"silent in the middle": Fault((part(Ending.STALL),), *TOO_LATE)}
STALLED_STREAMS = {
    "silent after the headers": Fault((streamed(b"", ending=Ending.STALL),), *TOO_LATE),
    "silent in the middle": Fault(
        (beginning(Ending.STALL),), 1, 200, "upstream_timeout", "timeout_error", MIDWAY
    ),
}


def cases(either, wholes, streams):
    """`(way, fault)` with names, for both doors."""
    return [
        pytest.param(way, fault, id=f"{way}: {name}")
        for way in WAYS
        for name, fault in {**either, **(streams if way.stream else wholes)}.items()
    ]


FAULTS = cases(EITHER, WHOLES, STREAMS)
SILENCES = cases(STALLS, STALLED_WHOLES, STALLED_STREAMS)
