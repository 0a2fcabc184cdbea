"""Driving flows by hand: the body of a reply is a list of pieces."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from claif_cla.translate.flow import Answer, Close, Drain, Read, Reply, Send, SendAll, Used


@dataclass
class Upstream:
    """Plays the replies to the requests of flows, in order, and writes down what it is asked.

    `sent` has the requests, `effects` the names of all effects in order, but for `used`, which
    moves nothing.
    """

    replies: Sequence[tuple[int, Mapping[str, str], Sequence[bytes]]] = ()
    sent: list[Any] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)

    def perform(self, effect: Any) -> Any:
        if isinstance(effect, Used):
            self.used.append(effect)
            return None
        self.effects.append(type(effect).__name__)
        match effect:
            case Send(request):
                return self._reply(request)
            case SendAll(requests):
                return [self._reply(request) for request in requests]
            case Read(reply):
                return next(reply.handle, b"")
            case Drain() | Close():
                return None
        raise AssertionError(effect)

    def _reply(self, request: Any) -> Reply:
        self.sent.append(request)
        status, headers, pieces = self.replies[len(self.sent) - 1]
        return Reply(status, headers, iter(pieces))

    def run(self, flow: Generator[Any, Any, Any]) -> Any:
        """What the flow returns; a flow of chunks returns them as a list."""
        outcome: Any = None
        chunks: list[Any] = []
        try:
            while True:
                item = flow.send(outcome)
                outcome = None
                if isinstance(item, dict):
                    chunks.append(item)
                else:
                    outcome = self.perform(item)
        except StopIteration as stop:
            return chunks if stop.value is None else stop.value

    def answer(self, flow: Generator[Any, Any, Answer]) -> tuple[Answer, Any]:
        """The answer of a call, and its body: JSON, or the list of chunks."""
        answer = self.run(flow)
        return answer, self.run(answer.body) if answer.is_stream else answer.body


@pytest.fixture(scope="session")
def upstream() -> type[Upstream]:
    """The class; a test makes one per call."""
    return Upstream
