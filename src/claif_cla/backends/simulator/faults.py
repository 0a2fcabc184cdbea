"""Faults on demand: what goes wrong, written in a header or given to the engine.

    faults  = fault *("," fault)            taken in order; each until its times are used up
    fault   = kind *(";" option)
    kind    = status                        `429`, `529`, …: an error answer of that status,
                                            or `200` with a `body`
            | "stream-error" ["@" event]    an `error` event before that event
            | "stall" ["@" event]           nothing more comes
            | "cut" ["@" event]             the connection breaks
            | "none"                        no fault, to lead a list off: `none;times=2,529`
    option  = "times=" count                only so often; without it, always
            | "retry-after=" seconds        the header of that name
            | "body=" ("html" | "empty" | "invalid-json")
            | "message=" text               `error.message`; neither `;` nor `,` in it
            | "type=" error_type            of `stream-error`; `overloaded_error` unless told
            | "half"                        of `cut` and `stall`: half of the event comes first

Events count from 1, which is `message_start`; 0 means before the status line; 3 is the
default. A number beyond the answer's end means the last event, so that the fault always
happens. An answer that is not streamed stalls or is cut in the middle of its body, and
`stream-error` becomes an error status.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from claif_cla.after_fork import lock_across_forks
from claif_cla.backends.simulator.rejection import Rejection

__all__ = ["Fault", "FaultSchedule", "parse_faults"]

_KIND = re.compile(
    r"(?P<status>[2-5]\d\d)|(?P<name>stream-error|stall|cut|none)(?:@(?P<at>\d{1,6}))?"
)
_BODIES = ("html", "empty", "invalid-json")
_MAX_FAULTS = 32
_MAX_SCHEDULES = 256


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; the module describes the grammar."""

    kind: str
    status: int = 0
    at: int = 3
    times: int | None = None
    retry_after: str | None = None
    body: str | None = None
    message: str | None = None
    error_type: str = "overloaded_error"
    half: bool = False


def _bad(part: str, expected: str) -> Rejection:
    return Rejection(f"x-simulator-fault: `{part}` is not understood; expected {expected}")


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read a list of faults.

    Raises:
        Rejection: 400, naming the part that is not understood.
    """
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    if len(pieces) > _MAX_FAULTS:
        raise Rejection(f"x-simulator-fault: at most {_MAX_FAULTS} faults in one list")
    return tuple(_parse_fault(piece) for piece in pieces)


def _parse_fault(text: str) -> Fault:
    kind, *options = (part.strip() for part in text.split(";"))
    match = _KIND.fullmatch(kind)
    if match is None:
        raise _bad(kind, "a status from 200 to 599, `stream-error@N`, `stall@N`, `cut@N` or `none`")
    values: dict[str, object] = {}
    for option in filter(None, options):
        values.update(_parse_option(option))
    if match["status"] is None:
        return Fault(kind=match["name"], at=int(match["at"] or 3), **values)  # type: ignore[arg-type]
    status = int(match["status"])
    if status < 400 and "body" not in values:
        raise _bad(kind, f"a `body` with a status below 400, as in `{kind};body=html`")
    return Fault(kind="status", status=status, **values)  # type: ignore[arg-type]


def _parse_option(option: str) -> dict[str, object]:
    name, equals, value = option.partition("=")
    if name == "half" and not equals:
        return {"half": True}
    if name == "times" and re.fullmatch(r"\d{1,9}", value):
        return {"times": int(value)}
    if name == "retry-after" and re.fullmatch(r"\d{1,6}(\.\d{1,3})?", value):
        return {"retry_after": value}
    if name == "body" and value in _BODIES:
        return {"body": value}
    if name == "message" and value:
        return {"message": value}
    if name == "type" and re.fullmatch(r"[a-z_]{1,64}", value):
        return {"error_type": value}
    raise _bad(
        option,
        "`times=N`, `retry-after=SECONDS`, `body=html|empty|invalid-json`, `message=TEXT`, "
        "`type=ERROR_TYPE` or `half`",
    )


@dataclass(slots=True)
class FaultSchedule:
    """Which fault meets the next request.

    A list of faults in a header is counted by its text, so that a client's retries, which
    repeat the header, use up `times`. The number of texts remembered is bounded.
    """

    _used: OrderedDict[str, list[int]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=lock_across_forks)

    def next(self, text: str) -> Fault | None:
        """The fault for this request, and one use of it gone."""
        faults = parse_faults(text)
        with self._lock:
            used = self._used.setdefault(text, [0] * len(faults))
            self._used.move_to_end(text)
            while len(self._used) > _MAX_SCHEDULES:
                self._used.popitem(last=False)
            for index, fault in enumerate(faults):
                if fault.times is None or used[index] < fault.times:
                    used[index] += 1
                    return None if fault.kind == "none" else fault
        return None
