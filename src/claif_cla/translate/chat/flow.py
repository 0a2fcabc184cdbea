"""The course of one Chat Completions call.

    plan ── refused ─────────────────────────────► 400
      │
      ▼
    send ── status ≥ 400 ────────────────────────► the error, translated
      │
      ├─ whole ──── read ── paused? send again ──► ChatCompletion
      └─ streamed ─ first event ── an error? ────► the error, with its true status
                       │
                       └─ chunks ── paused? send again ── …

A stream's status is not given away before its first event: an `overloaded_error` often comes as
that, and as a status it can still be retried by the caller's SDK.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from claif_cla.errors import MalformedAnswer, Refusal
from claif_cla.translate.body import EventReader, is_event_stream, read_error, read_json
from claif_cla.translate.call import Call
from claif_cla.translate.chat.fold import MessageFold
from claif_cla.translate.chat.request import Plan, plan_request
from claif_cla.translate.chat.response import completion
from claif_cla.translate.chat.stream import ChunkTranslator
from claif_cla.translate.error_body import error_answer, error_object, refusal_answer
from claif_cla.translate.flow import (
    Answer,
    Chunk,
    ChunkFlow,
    Close,
    Drain,
    Effect,
    Flow,
    Reply,
    Send,
)
from claif_cla.translate.headers import to_openai
from claif_cla.translate.usage import add_usage

__all__ = ["MAX_RESUMPTIONS", "chat_flow"]

MAX_RESUMPTIONS = 8
"""How often a turn that the server pauses (`pause_turn`) is resumed. Server tools pause after
about ten rounds of their own, so this allows some eighty."""


def chat_flow(call: Call) -> Flow:
    """One call from the caller's request to their answer. See the contract in `flow`."""
    try:
        plan = plan_request(call)
    except Refusal as refusal:
        return refusal_answer(refusal)
    except RecursionError:
        message = "the request is nested too deeply"
        return refusal_answer(Refusal(message, param=None, code="invalid_value"))
    reply: Reply = yield Send(plan.upstream())
    if reply.status >= 400:
        return (yield from _refused(reply, call))
    if not plan.stream:
        return (yield from _whole(plan, reply, call))
    return (yield from _streamed(plan, reply, call))


class _StreamError(Exception):
    """An `error` event came instead of the answer."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        super().__init__()
        self.event = event


def _answer(plan: Plan, reply: Reply, call: Call, body: Any) -> Answer:
    headers = to_openai(reply.headers, call.now)
    if plan.receipts.header:
        headers["x-claif-adapted"] = plan.receipts.header
    return Answer(200, headers, body, plan.receipts.entries, plan.remarks)


def _error_event(event: Mapping[str, Any], reply: Reply, call: Call) -> Answer:
    status, error = error_object(event)
    headers = to_openai(reply.headers, call.now)
    if error["code"] == "insufficient_quota":
        headers["x-should-retry"] = "false"
    return Answer(status, headers, {"error": error})


def _refused(reply: Reply, call: Call) -> Flow:
    body = yield from read_error(reply)
    return error_answer(reply.status, reply.headers, body, call.now)


# Whole answers


def _whole(plan: Plan, reply: Reply, call: Call) -> Flow:
    try:
        message = yield from _message(reply)
        for _ in range(MAX_RESUMPTIONS):
            if message.get("stop_reason") != "pause_turn":
                break
            reply = yield Send(plan.upstream(_continued(plan, message["content"])))
            if reply.status >= 400:
                return (yield from _refused(reply, call))
            message = _joined(message, (yield from _message(reply)))
    except _StreamError as error:
        return _error_event(error.event, reply, call)
    body = completion(message, plan.tools, call.now)
    if plan.receipts.entries:
        body["adaptations"] = list(plan.receipts.entries)
    return _answer(plan, reply, call, body)


def _message(reply: Reply) -> Generator[Effect, Any, dict[str, Any]]:
    """The Message of a reply, whether it comes whole or as a stream."""
    if not is_event_stream(reply):
        message = yield from read_json(reply)
        if not isinstance(message, dict):
            raise MalformedAnswer("the answer is JSON, but no object")
        return message
    reader, fold = EventReader(reply), MessageFold()
    while not fold.complete:
        event = yield from reader.expect_event()
        if event["type"] == "error":
            yield Close(reply)
            raise _StreamError(event)
        fold.feed(event)
    yield Drain(reply)
    return fold.message


def _continued(plan: Plan, content: list[Any]) -> list[Any]:
    return [*plan.body["messages"], {"role": "assistant", "content": content}]


def _joined(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """A paused Message and its continuation as the one answer that they are."""
    content = [*first["content"], *then.get("content", ())]
    usage = add_usage(first.get("usage") or {}, then.get("usage") or {})
    return {**first, **then, "id": first.get("id"), "content": content, "usage": usage}


# Streamed answers


def _streamed(plan: Plan, reply: Reply, call: Call) -> Flow:
    if not is_event_stream(reply):
        # A proxy that cannot stream: its whole answer is told as one.
        message = yield from read_json(reply)
        return _answer(plan, reply, call, _told(plan, message, call))
    reader = EventReader(reply)
    first = yield from reader.expect_event()
    if first["type"] == "error":
        yield Close(reply)
        return _error_event(first, reply, call)
    return _answer(plan, reply, call, _chunks(plan, reader, first, call))


def _translator(plan: Plan, call: Call) -> ChunkTranslator:
    return ChunkTranslator(plan.tools, call.now, plan.include_usage, plan.receipts.entries)


def _told(plan: Plan, message: Any, call: Call) -> ChunkFlow:
    completion(message, plan.tools, call.now)  # raises what a Message must not be
    translator = _translator(plan, call)
    yield from translator.feed({"type": "message_start", "message": message})
    yield from translator.feed({"type": "message_stop"})
    yield from translator.finish()


def _chunks(plan: Plan, reader: EventReader, first: dict[str, Any], call: Call) -> ChunkFlow:
    translator = _translator(plan, call)
    content: list[Any] = []
    for attempt in range(MAX_RESUMPTIONS + 1):
        fold = MessageFold() if plan.resumable else None
        failed = yield from _one_stream(reader, first, translator, fold)
        if failed:
            return
        if translator.stop_reason != "pause_turn" or fold is None or attempt == MAX_RESUMPTIONS:
            break
        content += fold.message["content"]
        reply: Reply = yield Send(plan.upstream(_continued(plan, content)))
        if reply.status >= 400:
            yield (yield from _refused(reply, call)).body
            return
        reader = EventReader(reply)
        first = yield from reader.expect_event()
        translator.resume()
    yield from translator.finish()
    yield Drain(reader.reply)


def _one_stream(
    reader: EventReader,
    first: dict[str, Any],
    translator: ChunkTranslator,
    fold: MessageFold | None,
) -> Generator[Effect | Chunk, Any, bool]:
    """The chunks of one upstream stream; whether it failed, and said so in its last chunk."""
    event = first
    while True:
        if event["type"] == "error":
            yield {"error": error_object(event)[1]}
            yield Close(reader.reply)
            return True
        yield from translator.feed(event)
        if fold is not None:
            fold.feed(event)
        if translator.complete:
            return False
        event = yield from reader.expect_event()
