"""`POST /v1/chat/completions`: the flow of a call, driven over the upstream.

The answer is written as the flow tells it: whole, or in events, several at once where several have
come at once. Before its last byte the ledger knows what it cost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from claif_cla.drive import AsyncOpened, abatches, arun
from claif_cla.errors import TruncatedStream, UpstreamFault
from claif_cla.gateway.caller import Caller, StreamWriter
from claif_cla.gateway.counting import Counting
from claif_cla.gateway.headers import answer_headers, forwarded
from claif_cla.gateway.upstream.errors import UpstreamFailure
from claif_cla.translate.call import Call
from claif_cla.translate.error_body import fault_answer, fault_object
from claif_cla.translate.flow import Answer, Chunk
from claif_cla.translate.routes import flow_for
from claif_cla.wire import json_text

if TYPE_CHECKING:
    from claif_cla.gateway.parts import Parts

__all__ = ["answered", "chat"]

_DONE = b"data: [DONE]\n\n"
_TRY_ANOTHER = (408, 429, 500, 502, 503, 504, 529)
"""What another model may answer in the place of the one that was asked."""


async def chat(parts: Parts, caller: Caller, request: Mapping[str, Any], size: int) -> None:
    """Answer one request.

    Args:
        parts: of the gateway, as they were when the request came.
        caller: whom to answer.
        request: the JSON object of the body.
        size: of the body, in bytes.

    Raises:
        Denial: the request is not served.
        Refusal: its `model` is no model.
    """
    visit = caller.visit
    choice = parts.choosing.choice(request.get("model"))
    visit.asked_model, visit.model = request.get("model"), choice.model
    visit.streamed = request.get("stream") is True
    standing = await parts.gate.reserve(visit, choice.model, request, size)
    caller.always += standing
    writer = None
    if visit.streamed:
        writer = caller.stream(parts.config.server.comment_seconds, lambda: parts.headers(visit))
    try:
        names = [name for name in choice.then if parts.gate.allows(visit, name)]
        call = _call(parts, caller, request)
        answer, opened = await _first_answer(parts, call, visit, names)
        visit.adapted = answer.headers.get("x-claif-adapted", "")
        told = answer.headers
        if answer.status != 200:
            told = {name: parts.upstream.redacted.header(value) for name, value in told.items()}
        caller.always += answer_headers(told, bool(standing))
        if answer.is_stream and writer is not None:
            parts.seen.content(visit, request)
            await _streamed(parts, caller, writer, answer, opened)
        else:
            await _whole(parts, caller, writer, request, answer)
    finally:
        if writer is not None:
            await writer.close()


def _call(parts: Parts, caller: Caller, request: Mapping[str, Any]) -> Call:
    visit = caller.visit
    return Call(
        method="POST",
        path="/chat/completions",
        request=request,
        settings=parts.settings(visit),
        headers=forwarded(caller.headers),
        now=int(time.time()),
    )


async def _first_answer(
    parts: Parts, call: Call, visit: Any, names: list[str]
) -> tuple[Answer, AsyncOpened]:
    """The answer of the model that was asked for, or of the first in its place that has one."""
    while True:
        counting = Counting(visit)
        opened = AsyncOpened(parts.opener(visit), counting.count)
        answer = await answered(call, opened)
        if not names or answer.status not in _TRY_ANOTHER:
            return answer, opened
        name = names.pop(0)
        call, visit.model = _with_model(call, name), parts.choosing.choice(name).model


def _with_model(call: Call, name: str) -> Call:
    return Call(
        call.method,
        call.path,
        {**call.request, "model": name},
        call.settings,
        call.headers,
        call.query,
        call.now,
    )


async def answered(call: Call, opened: AsyncOpened) -> Answer:
    """The answer to a call; one that upstream did not give is an answer too."""
    try:
        return await arun(flow_for(call), opened)
    except UpstreamFailure as failure:
        return Answer(failure.status, {}, failure.as_denial().as_openai())
    except TruncatedStream as fault:
        return Answer(502, {}, {"error": fault_object(fault)})
    except UpstreamFault as fault:
        return fault_answer(fault)


async def _whole(
    parts: Parts,
    caller: Caller,
    writer: StreamWriter | None,
    request: Mapping[str, Any],
    answer: Answer,
) -> None:
    visit = caller.visit
    if answer.status != 200:
        _note_error(visit, answer.body)
        if "x-request-id" not in answer.headers:  # upstream has none to tell: it never answered
            caller.always.append((b"x-request-id", visit.id.encode()))
    body = json_text.dump_bytes(answer.body)
    if answer.status != 200:  # a stream's first event, or what was no answer, is not cleaned yet
        body = parts.upstream.redacted(body)
    visit.status = answer.status
    parts.seen.content(visit, request, answer.body)
    await parts.gate.settle(visit)
    if writer is not None and caller.started:  # comments have said 200 already
        await writer.end(b"data: %b\n\n" % body)
        return
    if writer is not None:
        await writer.close()
    caller.always += parts.headers(visit)
    await caller.answer(answer.status, body)


async def _streamed(
    parts: Parts, caller: Caller, writer: StreamWriter, answer: Answer, opened: AsyncOpened
) -> None:
    visit = caller.visit
    told = Counting(visit).told
    last: Chunk = {}
    try:
        async with aclosing(abatches(answer.body, opened)) as batches:
            async for batch in batches:
                told(batch)
                last = batch[-1]
                if "error" in last:
                    last = batch[-1] = _cleaned(parts, last)
                events = _events(batch)
                if not writer.write_now(events):
                    await writer.write(events)
    except UpstreamFailure as failure:
        last = failure.as_denial().as_openai()
        await writer.write(_events([last]))
    except UpstreamFault as fault:
        last = _cleaned(parts, {"error": fault_object(fault)})
        await writer.write(_events([last]))
    _note_error(visit, last)
    await parts.gate.settle(visit)
    # After an error there is no `[DONE]`: who looks for that alone must not take it for the end.
    await writer.end(b"" if "error" in last else _DONE)


def _events(chunks: list[Chunk]) -> bytes:
    if len(chunks) == 1:
        return b"data: %b\n\n" % json_text.dump_bytes(chunks[0])
    return b"".join([b"data: %b\n\n" % json_text.dump_bytes(chunk) for chunk in chunks])


def _cleaned(parts: Parts, chunk: Chunk) -> Chunk:
    """An error in the middle of a stream without the keys that it quotes."""
    cleaned: Chunk = json_text.load(parts.upstream.redacted(json_text.dump_bytes(chunk)))
    return cleaned


def _note_error(visit: Any, body: Any) -> None:
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, Mapping):
        visit.code = str(error.get("code") or error.get("type") or "")
