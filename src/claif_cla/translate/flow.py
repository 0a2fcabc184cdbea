"""Flows: the course of one call as a generator, and the contract between it and a driver.

A flow *yields* what it wants done and is *sent* the outcome; it *returns* an `Answer`:

    yields  `Send(request)`   is sent  `Reply`   once status and headers are there
    yields  `SendAll(requests)` is sent `Reply`s  in their order, once all are there
    yields  `Read(reply)`     is sent  `bytes`   the next piece of that body, empty at its end
    yields  `Drain(reply)`    is sent  `None`    the body is read to its end, errors and all
                                                 ignored, so that the connection can be reused
    yields  `Close(reply)`    is sent  `None`    the connection is given up
    yields  `Used(reply, …)`  is sent  `None`    what that reply has cost so far, for who counts

A streamed answer's body is a second generator with the same contract that also yields chunks:
plain dicts for the caller, in order, to which nothing is sent. The driver closes every reply
that a flow has left open, and may close a flow at any point: a flow holds no resource of its
own. Whatever the wire raises goes past the flow to the caller, never through it.

The core does no I/O and reads no clock: time and ids come in through `Call`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import GeneratorType
from typing import Any, NamedTuple, TypeAlias

from claif_cla.wire.http import UpstreamRequest

__all__ = [
    "Answer",
    "Chunk",
    "ChunkFlow",
    "Close",
    "Drain",
    "Effect",
    "Flow",
    "Read",
    "Reply",
    "Send",
    "SendAll",
    "Used",
]

Chunk: TypeAlias = dict[str, Any]


class Reply(NamedTuple):
    """An opened answer. `handle` belongs to the driver; flows only hand it back."""

    status: int
    headers: Mapping[str, str]
    handle: Any = None


class Send(NamedTuple):
    """Send this request upstream."""

    request: UpstreamRequest


class SendAll(NamedTuple):
    """Send these requests at the same time."""

    requests: tuple[UpstreamRequest, ...]


class Read(NamedTuple):
    """Read on in the body of this reply."""

    reply: Reply


class Drain(NamedTuple):
    """Nothing more is wanted from this reply: read it to its end and forget it."""

    reply: Reply


class Close(NamedTuple):
    """Give this reply's connection up at once."""

    reply: Reply


class Used(NamedTuple):
    """What one reply has used, told at its beginning and its end: the last of a reply stands.

    Attributes:
        reply: one call may have several: several answers, a pause that was resumed.
        message: the Message so far, or as much of it as is known; `model` and `usage` count.
        complete: whether this is the reply's end.
    """

    reply: Reply
    message: Mapping[str, Any]
    complete: bool


Effect: TypeAlias = Send | SendAll | Read | Drain | Close | Used
ChunkFlow: TypeAlias = Generator[Effect | Chunk, Any, None]


class Answer(NamedTuple):
    """What the caller gets.

    Attributes:
        status: HTTP status.
        headers: lower-case names, OpenAI's vocabulary.
        body: a JSON value, or the flow of a streamed answer's chunks.
        adaptations: the receipts of this call.
        remarks: sentences for the caller that are no adaptation, such as a model's retirement.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    adaptations: tuple[Mapping[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_stream(self) -> bool:
        """Whether `body` is a flow of chunks."""
        return isinstance(self.body, GeneratorType)


Flow: TypeAlias = Generator[Effect, Any, Answer]
