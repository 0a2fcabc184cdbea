"""Which answers are no answers yet: what is tried again, what speaks against an account.

The rules for trying again are those of Anthropic's and OpenAI's own SDKs; what speaks against
the account is tried only where there is another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from claif_cla.gateway.upstream.exchange import PeekedExchange, Trouble
from claif_cla.wire import json_text
from claif_cla.wire.sse import EventDecoder, ServerSentEvent

__all__ = ["first_event_trouble", "status_trouble"]

REFUSES_ACCOUNT = (401, 402, 403)
"""The key is broken, nothing is left to pay with, or it may not do this: not the caller's fault,
who knows nothing of that key, and no better at the second attempt."""
BEGINS_WELL = b"event: message_start"
"""How all but the rarest streams begin."""
MAX_PEEK = 64 * 1024
"""Bytes of a stream that are looked at for its first event. `message_start` is below 2 kB; who
sends more than this before an event is let through as it is."""
STATUSES: Mapping[str, int] = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Error types of the Messages API that are worth a second attempt, by the status they have where
they come before the stream."""


def status_trouble(status: int, headers: Mapping[str, str], now: float) -> Trouble | None:
    """What is wrong by the status; None where the answer is one.

    Args:
        status: of the answer.
        headers: lower-case names.
        now: Unix seconds, for `retry-after` as a date.
    """
    if status < 400:
        return None
    if status in REFUSES_ACCOUNT:
        return Trouble(status, again=False, elsewhere=True, wait=_wait(headers, now))
    told = headers.get("x-should-retry")
    again = told == "true" if told in ("true", "false") else _is_passing(status)
    if not again:
        # An account that is out of its quota is told to stay away; another one is not.
        if status != 429:
            return None
        return Trouble(status, again=False, elsewhere=True, wait=_wait(headers, now))
    return Trouble(status, again=True, elsewhere=True, wait=_wait(headers, now))


def _is_passing(status: int) -> bool:
    return status in (408, 409, 429) or status >= 500


def _wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds by `retry-after-ms` or `retry-after`, a number or a date; None if neither helps."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            seconds = _until(value, now)
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _until(date: str, now: float) -> float:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, OverflowError):
        return -1.0


async def first_event_trouble(exchange: PeekedExchange) -> Trouble | None:
    """What is wrong by the first event of a stream; all that was read is put back.

    An overloaded API says 200 and tells of it in the stream. Pings are no events here.

    Raises:
        UpstreamFailure: the stream broke before its first event.
    """
    piece = await exchange.read()
    if piece.startswith(BEGINS_WELL):
        exchange.put_back(piece)
        return None
    pieces, decoder, size = [piece], EventDecoder(2 * MAX_PEEK), 0
    found = None
    while piece and found is None and size <= MAX_PEEK:
        size += len(piece)
        # What is longer than the decoder takes is not looked into.
        events = decoder.feed(piece) if size <= MAX_PEEK else iter(())
        found = next((event for event in events if event.event != "ping"), None)
        if found is None:
            piece = await exchange.read()
            pieces.append(piece)
    exchange.put_back(b"".join(pieces))
    return None if found is None else _event_trouble(found)


def _event_trouble(event: ServerSentEvent) -> Trouble | None:
    if event.event != "error":
        return None
    try:
        kind = json_text.load(event.data)["error"]["type"]
        status = STATUSES.get(kind, 0)
    except (ValueError, LookupError, TypeError):  # no JSON, or another shape: let through
        return None
    return status_trouble(status, {}, 0.0) if status else None
