"""`POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic's own API, passed through.

The same keys, limits and models as for Chat Completions, and nothing translated: the body goes up
as it came, but for a name of a model that is the operator's own, and the answer comes back byte
for byte. What it used is read on the way. What is no answer of the API (a proxy's page, a stream
that breaks off) is told as an error in its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from claif_cla.backends.base import Hop
from claif_cla.gateway.caller import Caller
from claif_cla.gateway.denial import Denial
from claif_cla.gateway.headers import answer_headers, forwarded
from claif_cla.gateway.upstream.errors import UpstreamCut, UpstreamFailure
from claif_cla.gateway.usage_tap import UsageTap
from claif_cla.translate.body import MAX_ANSWER_BYTES
from claif_cla.wire import json_text
from claif_cla.wire.http import AsyncExchange, UpstreamRequest

if TYPE_CHECKING:
    from claif_cla.gateway.parts import Parts

__all__ = ["count_tokens", "messages"]

_VERSION = "2023-06-01"
"""What Anthropic's SDKs send; for callers who leave it out."""
MAX_HELD = 64 * 1024
"""Bytes of an event that wait for its end; a longer one is passed on as it comes."""


async def messages(parts: Parts, caller: Caller, request: Mapping[str, Any], body: bytes) -> None:
    """Answer `POST /v1/messages`.

    Args:
        parts: of the gateway.
        caller: whom to answer.
        request: the JSON object of the body.
        body: its bytes.

    Raises:
        Denial: the request is not served, or what came is no answer of the API.
        UpstreamFailure: nothing came, or not all of it.
    """
    visit = caller.visit
    visit.streamed = request.get("stream") is True
    exchange = await _opened(parts, caller, request, body, "/v1/messages")
    try:
        if exchange.headers.get("content-type", "").startswith("text/event-stream"):
            parts.seen.content(visit, request)
            await _passed(parts, caller, exchange)
        else:
            await _passed_whole(parts, caller, exchange, request)
    finally:
        await exchange.close()


async def count_tokens(
    parts: Parts, caller: Caller, request: Mapping[str, Any], body: bytes
) -> None:
    """Answer `POST /v1/messages/count_tokens`, which costs nothing. See `messages`."""
    exchange = await _opened(parts, caller, request, body, "/v1/messages/count_tokens")
    try:
        await _passed_whole(parts, caller, exchange)
    finally:
        await exchange.close()


async def _opened(
    parts: Parts, caller: Caller, request: Mapping[str, Any], body: bytes, path: str
) -> AsyncExchange:
    visit = caller.visit
    asked = request.get("model")
    choice = parts.choosing.choice(asked)
    visit.asked_model, visit.model = asked, choice.model
    standing = await parts.gate.reserve(visit, choice.model, request, len(body))
    caller.always += standing
    if asked != choice.model:
        body = json_text.dump_bytes({**request, "model": choice.model})
    headers = {
        "anthropic-version": _VERSION,
        **forwarded(caller.headers),
        "content-type": "application/json",
    }
    query = caller.query if caller.query in ("", "beta=true") else ""
    sent = UpstreamRequest("POST", path, headers, body, query)
    exchange = await parts.upstream.aopen(sent, Hop(visit, ""))
    caller.always += answer_headers(exchange.headers, limited=bool(standing))
    return exchange


async def _passed_whole(
    parts: Parts, caller: Caller, exchange: AsyncExchange, asked: Mapping[str, Any] | None = None
) -> None:
    """Pass on a whole answer; one to what was `asked` is paid for, and traced."""
    visit = caller.visit
    pieces: list[bytes] = []
    size = 0
    while (piece := await exchange.read()) and size <= MAX_ANSWER_BYTES:
        size += len(piece)
        pieces.append(piece)
    body = b"".join(pieces)
    visit.status = exchange.status
    answer = _object(body)
    if answer is None:
        visit.status = exchange.status if exchange.status >= 400 else 502
    else:
        _note(visit, answer, exchange, counted=asked is not None)
        if asked is not None:
            parts.seen.content(visit, asked, answer)
    await parts.gate.settle(visit)
    caller.always += parts.headers(visit)
    if answer is None:
        message = "What upstream answered is no answer of the Messages API."
        raise Denial(visit.status, message, code="malformed_answer", kind="api_error")
    kind = exchange.headers.get("content-type", "application/json")
    await caller.answer(exchange.status, body, [(b"content-type", kind.encode("latin-1"))])


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json_text.load(body)
    except ValueError:
        return None
    return answer if isinstance(answer, Mapping) else None


def _note(visit: Any, answer: Mapping[str, Any], exchange: AsyncExchange, *, counted: bool) -> None:
    error = answer.get("error")
    if isinstance(error, Mapping):
        visit.code = str(error.get("type") or "")
    elif counted:
        UsageTap(visit, exchange).message(answer)


async def _passed(parts: Parts, caller: Caller, exchange: AsyncExchange) -> None:
    visit = caller.visit
    writer = caller.stream(parts.config.server.comment_seconds, lambda: parts.headers(visit))
    tap = UsageTap(visit, exchange)
    rest = b""
    try:
        while piece := await exchange.read():
            tap.feed(piece)
            if tap.complete:  # the ledger knows before the caller has the end
                await parts.gate.settle(visit)
            whole, rest = _events(rest + piece)
            if whole:
                await writer.write(whole)
        if not tap.complete:
            raise UpstreamCut("Upstream ended its answer before it was complete.", visit.account)
        await parts.gate.settle(visit)
        await writer.end(rest)
    except UpstreamFailure as failure:
        await parts.gate.settle(visit)
        if tap.complete:  # what broke behind the end is no business of the caller's
            await writer.end(rest)
            return
        visit.code = failure.code
        await writer.end(_event(failure, visit.id))
    finally:
        await writer.close()


def _events(data: bytes) -> tuple[bytes, bytes]:
    """Whole events, and the beginning of the next: a comment or an error must not get into it."""
    if data.endswith(b"\n\n"):
        return data, b""
    ends = [at + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (at := data.rfind(mark)) >= 0]
    end = max(ends, default=0)
    return (data[:end], data[end:]) if len(data) - end <= MAX_HELD else (data, b"")


def _event(failure: UpstreamFailure, request_id: str) -> bytes:
    """A failure in the middle of a stream, as Anthropic's API tells one."""
    body = failure.as_denial().as_anthropic(request_id)
    return b"event: error\ndata: %b\n\n" % json_text.dump_bytes(body)
