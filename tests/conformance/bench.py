"""The bench of one check: a subject under test between its caller and a fake upstream."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from conformance.outcomes import Answer, Chunks, Stream, plain
from conformance.subjects import Subject
from loopback import (
    LoopbackServer,
    ReceivedRequest,
    Script,
    json_answer,
    message,
    sse,
    stream_of,
    streamed,
    text_block,
)

__all__ = ["HELLO", "MID", "NEW", "NEWEST", "OLD", "Bench"]

OLD = "claude-haiku-4-5"
"""Thinks with a budget, takes a prefill, and `temperature` or `top_p`."""
MID = "claude-sonnet-4-6"
"""Thinks adaptively or with a budget; takes no prefill."""
NEW = "claude-opus-4-8"
"""Thinks adaptively only; takes no sampling and no prefill."""
NEWEST = "claude-sonnet-5-5"
"""Thinks by default, and takes no forced tool choice beside that."""

HELLO = [{"role": "user", "content": "Hello!"}]

Reply = Callable[[ReceivedRequest], Script]


class Bench:
    """What a check works with. Calls go through the subject; `wire` is what came out of it."""

    def __init__(self, subject: Subject, server: LoopbackServer) -> None:
        self.subject = subject
        self.server = server
        self._replies: deque[Reply] = deque()
        server.answer_with(self._answered)

    # The upstream

    def says(self, *blocks: Any, **options: Any) -> None:
        """Answer the next request with these blocks (a string is text), whole or streamed."""
        made = [text_block(block) if isinstance(block, str) else block for block in blocks]

        def reply(request: ReceivedRequest) -> Script:
            body = request.json
            known = {"model": body["model"], **options}
            if body.get("stream"):
                return streamed(sse(stream_of(made, **known)))
            known.pop("piece", None)
            known.pop("ping", None)
            return json_answer(message(made, **known))

        self._replies.append(reply)

    def replies(self, *scripts: Script) -> None:
        """Answer the next requests with these scripts, byte for byte."""
        self._replies.extend(lambda _, script=script: script for script in scripts)  # type: ignore[misc]

    def events(self, *events: dict[str, Any]) -> None:
        """Answer the next request with this stream of events."""
        self.replies(streamed(sse(events)))

    def answers_with(self, reply: Reply) -> None:
        """Answer the next request with what the function makes of it."""
        self._replies.append(reply)

    def _answered(self, request: ReceivedRequest) -> Script:
        if request.method != "POST" or not request.path.endswith("/v1/messages"):
            kind = {"type": "not_found_error", "message": "Not found"}
            return json_answer({"type": "error", "error": kind}, status=404)
        if not self._replies:
            self.says("ok")
        return self._replies.popleft()(request)

    # The caller

    def ask(self, messages: Any = None, **params: Any) -> Answer:
        """A call without `stream`."""
        return Answer(self.subject.create(**self._request(messages, params)))

    def stream(self, messages: Any = None, **params: Any) -> Stream:
        """A streamed call, read to its end. An error in the middle is kept, not raised."""
        with self.opened(messages, **params) as chunks:
            return Stream.read(chunks)

    @contextlib.contextmanager
    def opened(self, messages: Any = None, **params: Any) -> Iterator[Chunks]:
        """A streamed call that the check reads itself; closed in the end."""
        raw = self.subject.create(**self._request(messages, {**params, "stream": True}))
        with self.subject.iterating(raw) as chunks:
            yield (plain(chunk) for chunk in chunks)

    def fails(self, messages: Any = None, **params: Any) -> Exception:
        """The exception of a call that must fail."""
        try:
            answer = self.ask(messages, **params)
        except Exception as error:  # noqa: BLE001  # which one is for the check to say
            return error
        raise AssertionError(f"no exception, but the answer {str(answer.dump)[:200]}")

    def _request(self, messages: Any, params: dict[str, Any]) -> dict[str, Any]:
        return {"model": OLD, "messages": HELLO if messages is None else messages, **params}

    # The wire

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The Messages requests that came, in order."""
        return [one for one in self.server.requests if one.path.endswith("/v1/messages")]

    @property
    def wire(self) -> dict[str, Any]:
        """The body of the newest request."""
        assert self.requests, "no request reached the upstream"
        body: dict[str, Any] = self.requests[-1].json
        return body

    @property
    def headers(self) -> dict[str, str]:
        """Its headers, with names in lower case."""
        return dict(self.requests[-1].headers)

    def sent(self, path: str) -> Any:
        """The value at `a.0.b` of the newest body; None where there is none."""
        return at(self.wire, path)

    @property
    def turns(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """The newest messages as `(role, blocks)`; a string is one text block."""
        return [(one["role"], blocks_of(one["content"])) for one in self.wire["messages"]]

    @property
    def system(self) -> str:
        """The newest system prompt, as text."""
        made = blocks_of(self.wire.get("system") or [])
        return "\n\n".join(block["text"] for block in made)

    def blocks(self, kind: str) -> list[dict[str, Any]]:
        """The blocks of this type in the newest messages, in order."""
        return [block for _, made in self.turns for block in made if block["type"] == kind]

    def complaints(self) -> list[str]:
        """What the API would refuse of the newest request."""
        from conformance.legality import complaints  # noqa: PLC0415  # needs the anthropic SDK

        return complaints(self.wire, self.headers, strict=self.own)

    @property
    def own(self) -> bool:
        """Whether the subject is this package."""
        return "own" in self.subject.can

    def legal(self) -> None:
        """The newest request is one that the API would take."""
        found = self.complaints()
        assert not found, "the API would refuse: " + "; ".join(found[:3])

    # Judgements that every subject may meet in its own way

    def is_status(self, error: Exception, status: int) -> None:
        """The exception is that of this HTTP status."""
        found = getattr(error, "status_code", None)
        assert found == status, f"{type(error).__name__} has status {found}, not {status}: {error}"

    def is_refusal(self, error: Exception) -> None:
        """The subject refused the request by itself: as OpenAI's 400, or in its own way."""
        assert not self.requests, f"it was sent, and came back as {error!r}"
        if self.subject.openai_errors:
            self.is_status(error, 400)

    def arrives_early(self, seen: Callable[[dict[str, Any]], bool], **params: Any) -> None:
        """A chunk for which `seen` holds comes before the upstream goes on at its gate."""
        gate = self.gate
        timer = threading.Timer(1.5, gate.open)
        timer.start()
        try:
            with self.opened(**params) as chunks:
                early = any(seen(chunk) and timer.is_alive() for chunk in chunks)
        finally:
            timer.cancel()
            gate.open()
        assert early, "nothing arrived until the upstream went on"

    gate: Any = None
    """Where the script of `arrives_early` waits."""


def at(value: Any, path: str) -> Any:
    """The value at `a.0.b`; None where there is none."""
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """Content as blocks, whichever way it is written."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
