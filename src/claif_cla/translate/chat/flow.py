"""The course of one Chat Completions call.

    plan ── refused ─────────────────────────────► 400
      │
      ▼
    send ── status ≥ 400 ────────────────────────► the error, translated
      │  ▲       └─ a 400 that teaches something? plan anew, once
      │  └───────────┘
      ├─ whole ──── read ── paused? send again ──► ChatCompletion
      └─ streamed ─ first event ── an error? ────► the error, with its true status
                       │
                       └─ chunks ── paused? send again ── …

A stream's status is not given away before its first event: an `overloaded_error` often comes as
that, and as a status it can still be retried by the caller's SDK.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate.body import EventReader, open_events, read_error
from claif_cla.translate.call import Call
from claif_cla.translate.chat.correction import corrected
from claif_cla.translate.chat.fan_out import fan_out
from claif_cla.translate.chat.fold import MessageFold
from claif_cla.translate.chat.recall import answer_keys, worth_keeping
from claif_cla.translate.chat.request import Plan, plan_request
from claif_cla.translate.chat.response import completion, native
from claif_cla.translate.chat.stream import ChunkTranslator
from claif_cla.translate.error_body import error_answer, event_answer, refusal_answer
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
    try:
        plan, reply = yield from _taken(plan, call)
        one = _streamed if plan.stream else _whole
        if plan.n > 1:
            return (yield from fan_out(plan, reply, call, one))
        return (yield from one(plan, reply, call))
    except _ErrorAnswer as error:
        return error.answer


class _ErrorAnswer(Exception):  # noqa: N818 - it says what is answered
    """The upstream answered an error, by its status or as an event."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _sent(plan: Plan, call: Call, content: Sequence[Any] | None) -> Generator[Effect, Any, Reply]:
    """The reply to the request, or to its continuation after the `content` of a paused turn.

    Raises:
        _ErrorAnswer: for any status but 2xx.
    """
    messages = None
    if content is not None:
        messages = [*plan.body["messages"], {"role": "assistant", "content": content}]
    reply: Reply = yield Send(plan.upstream(messages))
    if not 200 <= reply.status < 300:
        body = yield from read_error(reply)
        raise _ErrorAnswer(error_answer(reply.status, reply.headers, body, call.now))
    return reply


def _taken(plan: Plan, call: Call) -> Generator[Effect, Any, tuple[Plan, Reply]]:
    """The reply to `plan`, or to the better one that its refusal teaches.

    One correction at most: what is refused once more, is refused. That error is the answer, as
    it speaks of the request that comes nearest to being taken.

    Raises:
        _ErrorAnswer: for any status but 2xx.
    """
    try:
        return plan, (yield from _sent(plan, call, None))
    except _ErrorAnswer as error:
        correction = corrected(plan, call, error.answer)
        if correction is None:
            raise
    reply = yield from _sent(correction.plan, call, None)
    correction.keep(call)
    return correction.plan, reply


def _keep(plan: Plan, call: Call, message: Mapping[str, Any]) -> None:
    """Remember a complete answer of which OpenAI's fields alone would lose something."""
    memory, content = call.settings.memory, native(message["content"])
    if memory is not None and worth_keeping(content):
        keys = answer_keys(call.request["messages"], content, legacy=plan.tools.legacy)
        memory.keep(keys, content)


def _next(reader: EventReader, call: Call) -> Generator[Effect, Any, dict[str, Any]]:
    """The next event. Raises `_ErrorAnswer` for an `error` event."""
    event = yield from reader.next_event()
    if event["type"] == "error":
        yield Close(reader.reply)
        raise _ErrorAnswer(event_answer(event, reader.reply.headers, call.now))
    return event


def _answer(plan: Plan, reply: Reply, call: Call, body: Any) -> Answer:
    headers = to_openai(reply.headers, call.now)
    if plan.receipts.header:
        headers["x-claif-adapted"] = plan.receipts.header
    return Answer(200, headers, body, plan.receipts.entries, plan.remarks)


# Whole answers


def _whole(plan: Plan, reply: Reply, call: Call) -> Flow:
    message = yield from _message(reply, call)
    for _ in range(MAX_RESUMPTIONS):
        paused = _paused(message)
        if not paused:
            break
        reply = yield from _sent(plan, call, paused)
        message = _joined(message, (yield from _message(reply, call)))
    body = completion(message, plan.tools, call.now)
    _keep(plan, call, message)
    body["adaptations"] = [*plan.receipts.entries]
    return _answer(plan, reply, call, body)


def _message(reply: Reply, call: Call) -> Generator[Effect, Any, dict[str, Any]]:
    """The Message of a reply, whether it comes whole or as a stream."""
    reader, fold = (yield from open_events(reply)), MessageFold()
    while not fold.complete:
        fold.feed((yield from _next(reader, call)))
    yield Drain(reply)
    return fold.message


def _paused(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The content to resume a paused turn with; empty if it is not paused.

    A turn that waits for the caller's own tools is theirs to resume. Empty text, which the API
    may send but does not take back, is left out.
    """
    blocks = native(message["content"])
    if message.get("stop_reason") != "pause_turn":
        return []
    if any(block.get("type") == "tool_use" for block in blocks):
        return []
    return [b for b in blocks if b.get("type") != "text" or str(b.get("text") or "").strip()]


def _joined(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """A paused Message and its continuation as the one answer that they are."""
    content = [*first["content"], *then["content"]]
    usage = add_usage(first["usage"], then["usage"])
    named = {key: first.get(key) for key in ("id", "model")}
    return {**first, **then, **named, "content": content, "usage": usage}


# Streamed answers


@dataclass(slots=True)
class _Telling:
    """A streamed answer: its chunks, and the Message behind them."""

    translator: ChunkTranslator
    _fold: MessageFold = field(default_factory=MessageFold)
    _earlier: dict[str, Any] | None = None

    def feed(self, event: Mapping[str, Any]) -> list[Chunk]:
        chunks = self.translator.feed(event)
        self._fold.feed(event)
        return chunks

    def resume(self) -> None:
        self._earlier, self._fold = self.message, MessageFold()
        self.translator.resume()

    @property
    def message(self) -> dict[str, Any]:
        message = self._fold.message
        return message if self._earlier is None else _joined(self._earlier, message)


def _streamed(plan: Plan, reply: Reply, call: Call) -> Flow:
    reader = yield from open_events(reply)
    entries = plan.receipts.entries
    telling = _Telling(ChunkTranslator(plan.tools, call.now, plan.include_usage, entries))
    opening = telling.feed((yield from _next(reader, call)))
    return _answer(plan, reply, call, _chunks(plan, call, reader, telling, opening))


def _chunks(
    plan: Plan, call: Call, reader: EventReader, telling: _Telling, opening: list[Chunk]
) -> ChunkFlow:
    yield from opening
    try:
        yield from _told(reader, call, telling)
        for _ in range(MAX_RESUMPTIONS):
            paused = _paused(telling.message)
            if not paused:
                break
            yield Drain(reader.reply)
            reader = yield from open_events((yield from _sent(plan, call, paused)))
            telling.resume()
            yield from _told(reader, call, telling)
    except _ErrorAnswer as error:
        yield error.answer.body
        return
    _keep(plan, call, telling.message)
    yield from telling.translator.finish(telling.message["content"])
    yield Drain(reader.reply)


def _told(reader: EventReader, call: Call, telling: _Telling) -> ChunkFlow:
    """The chunks of one upstream stream, to its `message_stop`."""
    while not telling.translator.complete:
        yield from telling.feed((yield from _next(reader, call)))
