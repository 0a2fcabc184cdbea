"""A scriptable HTTP/1.1 server on 127.0.0.1 that plays the Messages API, or anything else.

    server.enqueue(json_answer(message([text_block("Hi")])))
    server.enqueue(streamed(sse(stream_of([text_block("Hi")])), ending=Ending.STALL))
    server.answer_with(lambda request: json_answer({"path": request.path}))

One background thread runs an asyncio loop. A `Script` is what one request is answered with: raw
bytes and `Gate`s in order, then an `Ending`. Every wait in here ends when the client leaves, when
the server is reset, or at its timeout; nothing sleeps.
"""

from loopback.answers import (
    error_body,
    error_event,
    message,
    redacted_thinking_block,
    sse,
    stream_of,
    text_block,
    thinking_block,
    tool_use_block,
    usage_of,
)
from loopback.connection import ReceivedRequest
from loopback.script import (
    Ending,
    Gate,
    Script,
    cut,
    cut_every,
    json_answer,
    no_answer,
    raw,
    streamed,
    whole,
)
from loopback.server import LoopbackServer, refused_address

__all__ = [
    "Ending",
    "Gate",
    "LoopbackServer",
    "ReceivedRequest",
    "Script",
    "cut",
    "cut_every",
    "error_body",
    "error_event",
    "json_answer",
    "message",
    "no_answer",
    "raw",
    "redacted_thinking_block",
    "refused_address",
    "sse",
    "stream_of",
    "streamed",
    "text_block",
    "thinking_block",
    "tool_use_block",
    "usage_of",
    "whole",
]
