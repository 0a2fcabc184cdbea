"""The course of one Chat Completions call.

    plan ── refused ─────────────────────────────► 400
      │
      ▼
    send ── status ≥ 400 ────────────────────────► the error, translated
      │  ▲       └─ a 400 that teaches something? plan anew, once
      │  └───────────┘
      ├─ whole ──── read ── unfinished? send on ─► ChatCompletion
      └─ streamed ─ first event ── an error? ────► the error, with its true status
                       │
                       └─ chunks ── unfinished? send on ── …

An answer is unfinished where the server pauses it, and where it makes none of the calls that the
caller forced, of a model that takes no force; such a one is asked for once more.

A stream's status is not given away before its first event: an `overloaded_error` often comes as
that, and as a status it can still be retried by the caller's SDK.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from claif_cla.errors import OversizedAnswer, Refusal
from claif_cla.translate.body import EventReader, open_events, read_error
from claif_cla.translate.call import Call
from claif_cla.translate.chat.binding import prefix_of, thinking_keys
from claif_cla.translate.chat.containers import container_id, keep_container
from claif_cla.translate.chat.fold import MessageFold, folded
from claif_cla.translate.chat.plan import Plan
from claif_cla.translate.chat.recall import answer_keys, worth_keeping
from claif_cla.translate.chat.request import plan_request
from claif_cla.translate.chat.response import completion, native
from claif_cla.translate.error_body import error_answer, event_answer, refusal_answer
from claif_cla.translate.flow import (
    Answer,
    Chunk,
    ChunkFlow,
    Close,
    Drain,
    Effect,
    Flow,
    Read,
    Reply,
    Send,
    Used,
)
from claif_cla.translate.headers import to_openai
from claif_cla.translate.usage import add_usage, prompt_cache

if TYPE_CHECKING:
    from claif_cla.translate.chat.stream import ChunkTranslator

__all__ = ["MAX_KEPT", "MAX_RESUMPTIONS", "chat_flow"]

MAX_KEPT = 512 * 1024
"""Characters of a streamed answer that are kept beside its chunks, for `content_blocks`, the memory
and the resumption of a pause: as many as the longest answer has, of 128k tokens. The chunks
themselves have no such bound."""

MAX_RESUMPTIONS = 8
"""How often a turn that the server pauses (`pause_turn`) is resumed. Server tools pause after
about ten rounds of their own, so this allows some eighty."""


_Turns: TypeAlias = Sequence[Mapping[str, Any]]


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
            from claif_cla.translate.chat.fan_out import fan_out  # noqa: PLC0415 - seldom asked for

            return (yield from fan_out(plan, reply, call, one))
        return (yield from one(plan, reply, call))
    except _ErrorAnswer as error:
        return error.answer


class _ErrorAnswer(Exception):  # noqa: N818 - it says what is answered
    """The upstream answered an error, by its status or as an event."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _sent(
    plan: Plan, call: Call, turns: _Turns = (), container: str | None = None
) -> Generator[Effect, Any, Reply]:
    """The reply to the request, or to its continuation by the `turns`.

    Raises:
        _ErrorAnswer: for any status but 2xx.
    """
    messages = [*plan.body["messages"], *turns] if turns else None
    reply: Reply = yield Send(plan.upstream(messages, container))
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
        return plan, (yield from _sent(plan, call))
    except _ErrorAnswer as error:
        # It knows the API's words by two dozen patterns, which most programs never need.
        from claif_cla.translate.chat.correction import corrected  # noqa: PLC0415 - see above

        correction = corrected(plan, call, error.answer)
        if correction is None:
            raise
    reply = yield from _sent(correction.plan, call)
    correction.keep(call)
    return correction.plan, reply


def _keep(plan: Plan, call: Call, message: Mapping[str, Any], asked: _Turns) -> None:
    """Remember a complete answer of which OpenAI's fields alone would lose something.

    What it thought after it was `asked` again is bound to turns that the caller does not see: it
    is kept with these, so that it is known not to fit the caller's next request.
    """
    memory = call.settings.memory
    if memory is None or not worth_keeping(message["content"]):
        return
    content = native(message["content"])
    keep_container(memory, message)
    keys = answer_keys(call.request["messages"], content, legacy=plan.tools.legacy)
    bound = thinking_keys(content) if plan.model.binds_thinking else []
    early = thinking_keys(asked[0]["content"]) if asked else bound
    memory.keep([*keys, *early], content, prefix_of(plan.body) if bound else None)
    if len(early) < len(bound):
        seen = {**plan.body, "messages": [*plan.body["messages"], *asked]}
        memory.keep(bound[len(early) :], [], prefix_of(seen))


def _next(reader: EventReader, call: Call) -> Generator[Effect, Any, dict[str, Any]]:
    """The next event. Raises `_ErrorAnswer` for an `error` event."""
    event = yield from reader.next_event()
    if event["type"] == "error":
        yield from _failed(event, reader, call)
    return event


def _failed(
    event: Mapping[str, Any], reader: EventReader, call: Call
) -> Generator[Effect, Any, None]:
    yield Close(reader.reply)
    raise _ErrorAnswer(event_answer(event, reader.reply.headers, call.now))


def _answer(plan: Plan, reply: Reply, call: Call, body: Any) -> Answer:
    headers = to_openai(reply.headers, call.now)
    entries = plan.receipts.entries
    if entries:
        headers["x-claif-adapted"] = plan.receipts.header
    return Answer(200, headers, body, entries, plan.remarks)


# Whole answers


def _whole(plan: Plan, reply: Reply, call: Call) -> Flow:
    message = yield from _message(reply, call)
    asked: _Turns = ()
    seams = []
    for _ in range(MAX_RESUMPTIONS):
        turns = _unfinished(plan, message, asked)
        if not turns:
            break
        asked = _asked(turns)
        seams += [len(message["content"])] if asked else []
        reply = yield from _sent(plan, call, turns, container_id(message))
        message = _joined(message, (yield from _message(reply, call)))
    body = completion(message, plan.tools, call.now, unfence=plan.unfence, seams=seams)
    _keep(plan, call, message, asked)
    if call.request.get("metadata"):
        body["metadata"] = {**call.request["metadata"]}  # OpenAI tells it back, stored or not
    body["adaptations"] = [*plan.receipts.entries]
    body["prompt_cache"] = prompt_cache(plan.breakpoints, message.get("usage") or {})
    return _answer(plan, reply, call, body)


def _message(reply: Reply, call: Call) -> Generator[Effect, Any, dict[str, Any]]:
    """The Message of a reply, whether it comes whole or as a stream."""
    reader = yield from open_events(reply)
    if reader.message is not None:
        message = folded(reader.message)
        yield Used(reply, message, complete=True)
        return message
    fold = MessageFold()
    while not fold.complete:
        fold.feed((yield from _next(reader, call)))
    yield Used(reply, fold.message, complete=True)
    yield Drain(reply)
    return fold.message


def _unfinished(plan: Plan, message: Mapping[str, Any], asked: _Turns) -> _Turns:
    """The turns to go on with, of an answer that is not the caller's yet; empty if it is.

    A turn that calls the caller's own tools is theirs to go on with, and what was `asked` for
    again is answered as it is. Empty text, which the API may send but does not take back, is left
    out.
    """
    paused = message.get("stop_reason") == "pause_turn"
    if asked or not (paused or (plan.insistence and message.get("stop_reason") == "end_turn")):
        return ()
    blocks = native(message["content"])
    said = [b for b in blocks if b.get("type") != "text" or str(b.get("text") or "").strip()]
    if not said or any(block.get("type") == "tool_use" for block in said):
        return ()
    turn = {"role": "assistant", "content": said}
    if paused:
        return (turn,)
    return (turn, {"role": "user", "content": [{"type": "text", "text": plan.insistence}]})


def _asked(turns: _Turns) -> _Turns:
    """The turns themselves, if they ask for something; none, if they only resume."""
    return turns if turns[-1]["role"] == "user" else ()


def _joined(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """A paused Message and its continuation as the one answer that they are."""
    content = [*first["content"], *then["content"]]
    usage = add_usage(first["usage"], then["usage"])
    named = {key: first.get(key) for key in ("id", "model")}
    return {**first, **then, **named, "content": content, "usage": usage}


# Streamed answers


class _Telling:
    """A streamed answer: its chunks, the Message behind them, and whether it was asked again."""

    def __init__(self, translator: ChunkTranslator) -> None:
        self.translator = translator
        self.asked: _Turns = ()
        self._fold = MessageFold(MAX_KEPT)
        self._earlier: dict[str, Any] | None = None

    def feed(self, event: Mapping[str, Any]) -> list[Chunk]:
        chunks = self.translator.feed(event)
        self._fold.feed(event)
        return chunks

    def resume(self, turns: _Turns) -> None:
        self.asked = _asked(turns)
        self._earlier, self._fold = self.message, MessageFold(MAX_KEPT)
        self.translator.resume(apart=bool(self.asked))

    @property
    def latest(self) -> Mapping[str, Any]:
        """The Message of the reply that is being read, so far."""
        return self._fold.message

    @property
    def message(self) -> dict[str, Any]:
        """The answer so far; without content if it is longer than what is kept.

        Raises:
            OversizedAnswer: it is paused, and cannot be resumed for its length.
        """
        message = self._fold.message
        if self._fold.forgotten and message.get("stop_reason") == "pause_turn":
            raise OversizedAnswer(f"an answer paused after more than {MAX_KEPT} characters")
        return message if self._earlier is None else _joined(self._earlier, message)


def _streamed(plan: Plan, reply: Reply, call: Call) -> Flow:
    # A program that never streams is spared what makes chunks.
    from claif_cla.translate.chat.stream import ChunkTranslator  # noqa: PLC0415 - see above

    reader = yield from open_events(reply)
    translator = ChunkTranslator(
        plan.tools,
        call.now,
        plan.include_usage,
        plan.receipts.entries,
        plan.breakpoints,
        plan.unfence,
    )
    telling = _Telling(translator)
    opening = telling.feed((yield from _next(reader, call)))
    yield Used(reply, telling.latest, complete=False)
    return _answer(plan, reply, call, _chunks(plan, call, reader, telling, opening))


def _chunks(
    plan: Plan, call: Call, reader: EventReader, telling: _Telling, opening: list[Chunk]
) -> ChunkFlow:
    yield from opening
    try:
        yield from _told(reader, call, telling)
        for _ in range(MAX_RESUMPTIONS):
            message = telling.message
            turns = _unfinished(plan, message, telling.asked)
            if not turns:
                break
            yield Drain(reader.reply)
            reply = yield from _sent(plan, call, turns, container_id(message))
            reader = yield from open_events(reply)
            telling.resume(turns)
            yield from _told(reader, call, telling)
    except _ErrorAnswer as error:
        yield error.answer.body
        return
    _keep(plan, call, telling.message, telling.asked)
    yield from telling.translator.finish(telling.message["content"])
    yield Drain(reader.reply)


def _told(reader: EventReader, call: Call, telling: _Telling) -> ChunkFlow:
    """The chunks of one upstream stream, to its `message_stop`."""
    translator, more = telling.translator, Read(reader.reply)
    while not translator.complete:
        for event in reader.ready:
            if event["type"] == "error":
                yield from _failed(event, reader, call)
            yield from telling.feed(event)
            if translator.complete:
                break
        else:  # what `reader.read` does, without a generator for each word
            reader.take((yield more))
    yield Used(reader.reply, telling.latest, complete=True)
