"""`POST /v1/messages` and `/v1/messages/count_tokens`: Anthropic's own API, passed through.

The same keys, limits and models as for Chat Completions, and nothing translated: the body goes up
as it came, but for a name of a model that is the operator's own, and the answer comes back byte
for byte, but for keys that an error quotes. What it used is read on the way. What is no answer of
the API (a proxy's page, a stream that breaks off) is told as an error in its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from claif_cla.backends.base import Hop
from claif_cla.gateway.caller import Caller, StreamWriter
from claif_cla.gateway.denial import Denial
from claif_cla.gateway.error_events import cleaned_events, whole_events
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


class _Asked(NamedTuple):
    """What is sent upstream, and whether the caller has limits by the minute."""

    sent: UpstreamRequest
    limited: bool


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
    asked = await _reserved(parts, caller, request, body, "/v1/messages")
    if not visit.streamed:
        await _answered(parts, caller, asked, request, None)
        return
    writer = _writer(parts, caller)  # before upstream's answer: it may be long in coming
    try:
        await _answered(parts, caller, asked, request, writer)
    except (Denial, UpstreamFailure) as error:
        if not caller.started:
            raise
        denial = error.as_denial() if isinstance(error, UpstreamFailure) else error
        visit.status, visit.code = denial.status, denial.code
        await parts.gate.settle(visit)
        await writer.end(_event(denial.as_anthropic(visit.id)))
    finally:
        await writer.close()


def _writer(parts: Parts, caller: Caller) -> StreamWriter:
    visit = caller.visit
    return caller.stream(parts.config.server.comment_seconds, lambda: parts.headers(visit))


async def _answered(
    parts: Parts,
    caller: Caller,
    asked: _Asked,
    request: Mapping[str, Any],
    writer: StreamWriter | None,
) -> None:
    exchange = await _opened(parts, caller, asked)
    try:
        if exchange.headers.get("content-type", "").startswith("text/event-stream"):
            parts.seen.content(caller.visit, request)
            await _passed(parts, caller, exchange, writer or _writer(parts, caller))
        else:
            await _passed_whole(parts, caller, exchange, request, writer)
    finally:
        await exchange.close()


async def count_tokens(
    parts: Parts, caller: Caller, request: Mapping[str, Any], body: bytes
) -> None:
    """Answer `POST /v1/messages/count_tokens`, which costs nothing. See `messages`."""
    asked = await _reserved(parts, caller, request, body, "/v1/messages/count_tokens")
    exchange = await _opened(parts, caller, asked)
    try:
        await _passed_whole(parts, caller, exchange)
    finally:
        await exchange.close()


async def _reserved(
    parts: Parts, caller: Caller, request: Mapping[str, Any], body: bytes, path: str
) -> _Asked:
    """What is sent, once the limits have room for it."""
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
    return _Asked(UpstreamRequest("POST", path, headers, body, query), bool(standing))


async def _opened(parts: Parts, caller: Caller, asked: _Asked) -> AsyncExchange:
    exchange = await parts.upstream.aopen(asked.sent, Hop(caller.visit, ""))
    caller.always += answer_headers(exchange.headers, asked.limited)
    return exchange


async def _passed_whole(
    parts: Parts,
    caller: Caller,
    exchange: AsyncExchange,
    asked: Mapping[str, Any] | None = None,
    writer: StreamWriter | None = None,
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
        if _note(visit, answer, exchange, counted=asked is not None):
            body = parts.upstream.redacted(body)
            answer = _object(body)
        if asked is not None:
            parts.seen.content(visit, asked, answer)
    await parts.gate.settle(visit)
    if writer is not None and caller.started and answer is not None and "error" in answer:
        await writer.end(_event(answer))  # comments have said 200 already
        return
    caller.always += parts.headers(visit)
    if answer is None or caller.started:
        message = "What upstream answered is no answer of the Messages API."
        status = visit.status if answer is None else 502
        raise Denial(status, message, code="malformed_answer", kind="api_error")
    if writer is not None:
        await writer.close()
    kind = exchange.headers.get("content-type", "application/json")
    await caller.answer(exchange.status, body, [(b"content-type", kind.encode("latin-1"))])


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json_text.load(body)
    except ValueError:
        return None
    return answer if isinstance(answer, Mapping) else None


def _note(visit: Any, answer: Mapping[str, Any], exchange: AsyncExchange, *, counted: bool) -> bool:
    """Take what an answer used, or the error that it tells; whether it is one."""
    error = answer.get("error")
    if isinstance(error, Mapping):
        visit.code = str(error.get("type") or "")
    elif counted:
        UsageTap(visit, exchange).message(answer)
    return bool(error)


async def _passed(
    parts: Parts, caller: Caller, exchange: AsyncExchange, writer: StreamWriter
) -> None:
    visit = caller.visit
    tap, redacted = UsageTap(visit, exchange), parts.upstream.redacted
    rest = b""
    try:
        while piece := await exchange.read():
            tap.feed(piece)
            if tap.complete:  # the ledger knows before the caller has the end
                await parts.gate.settle(visit)
            whole, rest = whole_events(rest + piece)
            if whole:
                if tap.rare:  # an error would be among them; its end may still be to come
                    whole, tap.rare = cleaned_events(whole, redacted), bool(rest)
                await writer.write(whole)
        if not tap.complete:
            raise UpstreamCut("Upstream ended its answer before it was complete.", visit.account)
        await parts.gate.settle(visit)
        await writer.end(cleaned_events(rest, redacted))
    except UpstreamFailure as failure:
        await parts.gate.settle(visit)
        if tap.complete:  # what broke behind the end is no business of the caller's
            await writer.end(cleaned_events(rest, redacted))
            return
        visit.code = failure.code
        await writer.end(_event(failure.as_denial().as_anthropic(visit.id)))
    finally:
        await writer.close()


def _event(error: Mapping[str, Any]) -> bytes:
    """An error in a stream that has begun, as Anthropic's API tells one."""
    return b"event: error\ndata: %b\n\n" % json_text.dump_bytes(error)
