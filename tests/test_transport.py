from __future__ import annotations

import json

import openai
import pytest

from callers import HELLO
from claif_cla import AdaptationWarning, ClaudeClient
from claif_cla.backends.base import Backend
from claif_cla.translate.call import Settings
from claif_cla.transport import Transport, api_root
from loopback import error_body, message, sse, stream_of, text_block


class Exchange:
    """A whole answer, from memory."""

    def __init__(self, status, headers, body):
        self.status, self.headers = status, headers
        self.pieces = [body]

    def read(self):
        return self.pieces.pop() if self.pieces else b""

    def close(self):
        self.pieces.clear()


class AsyncExchange(Exchange):
    async def read(self):
        return super().read()

    async def close(self):
        super().close()


class Recorded:
    """A backend that remembers what it was asked, and answers what it was told to."""

    name = "recorded"
    needs_key = False

    def __init__(self, status=200, headers=None, body=None):
        self.status = status
        self.headers = {"content-type": "application/json", **(headers or {})}
        self.body = json.dumps(message([text_block("Hi")])).encode() if body is None else body
        self.asked = []
        self.roots = []

    def is_official(self, root):
        self.roots.append(root)
        return False

    def open(self, request, hop):
        self.asked.append((request, hop))
        return Exchange(self.status, self.headers, self.body)

    async def aopen(self, request, hop):
        self.asked.append((request, hop))
        return AsyncExchange(self.status, self.headers, self.body)


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        ("https://api.anthropic.com/v1/", "https://api.anthropic.com"),
        ("https://api.anthropic.com/v1", "https://api.anthropic.com"),
        ("https://api.anthropic.com", "https://api.anthropic.com"),
        ("https://h.test/a/v1/", "https://h.test/a"),
        ("https://h.test/v1/a", "https://h.test/v1/a"),
        ("https://h.test/v10", "https://h.test/v10"),
        ("https://h.test//", "https://h.test"),
    ],
)
def test_api_root(base_url, root):
    assert api_root(base_url) == root


def test_a_backend_object_is_asked_and_needs_no_key(new_caller):
    backend = Recorded()
    assert isinstance(backend, Backend)
    caller = new_caller(
        api_key=None, backend=backend, base_url="https://h.test/a", default_query={"q": "1"}
    )
    answer = caller.create(messages=HELLO, timeout=7)
    assert answer.choices[0].message.content == "Hi"
    request, hop = backend.asked[0]
    assert (request.method, request.path, request.query) == ("POST", "/v1/messages", "q=1")
    assert request.headers["user-agent"].startswith("claif_cla/")
    assert json.loads(request.body)["messages"]
    assert hop.root == "https://h.test/a"
    assert hop.http is caller.client._client
    assert hop.extensions["timeout"]["read"] == 7
    assert set(backend.roots) == {"https://h.test/a"}


def test_representations_show_no_key_and_no_prompt(new_caller):
    backend = Recorded()
    new_caller(api_key="sk-ant-SECRET", backend=backend).create(messages=HELLO)
    shown = repr(backend.asked[0])
    assert "SECRET" not in shown
    assert "Hello!" not in shown


def test_a_backend_streams(new_caller):
    body = sse(stream_of([text_block("Hi there")]))
    backend = Recorded(headers={"content-type": "text/event-stream"}, body=body)
    caller = new_caller(backend=backend)
    chunks = list(caller.iterate(caller.create(messages=HELLO, stream=True)))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hi there"


@pytest.mark.parametrize("stream", [False, True])
def test_headers_outside_ascii_are_kept(new_caller, stream):
    body = sse(stream_of([text_block("Hi")])) if stream else None
    kind = {"content-type": "text/event-stream"} if stream else {}
    backend = Recorded(headers={"x-note": "naïve ☃", **kind}, body=body)
    caller = new_caller(backend=backend, compat="lenient")
    create = caller.client.chat.completions.with_raw_response.create
    with pytest.warns(AdaptationWarning, match="schlüssel"):
        raw = caller.run(create(messages=HELLO, stream=stream, extra_body={"schlüssel": 1}))
    assert raw.headers["x-note"] == "naïve ☃"
    assert raw.headers["x-claif-adapted"]


def test_errors_of_a_backend_are_translated(new_caller):
    body = json.dumps(error_body("rate_limit_error", "slow down")).encode()
    backend = Recorded(429, {"retry-after": "3", "request-id": "req_9"}, body)
    with pytest.raises(openai.RateLimitError, match="slow down") as caught:
        new_caller(backend=backend).create(messages=HELLO)
    assert caught.value.request_id == "req_9"
    assert caught.value.response.headers["retry-after"] == "3"


def test_upstream_descriptions_of_bytes_do_not_reach_the_caller(new_caller):
    headers = {"content-encoding": "gzip", "content-length": "3", "transfer-encoding": "chunked"}
    caller = new_caller(backend=Recorded(headers=headers))
    raw = caller.run(caller.client.chat.completions.with_raw_response.create(messages=HELLO))
    assert raw.headers["content-type"] == "application/json"
    assert "content-encoding" not in raw.headers
    assert int(raw.headers["content-length"]) == len(raw.content)


def test_a_response_of_somebody_else_is_told_nothing_of():
    with ClaudeClient(backend="simulator") as client:
        response = client._client.build_request("GET", "http://h.test/")
        response.extensions.clear()
        transport = Transport(Recorded(), Settings(), "agent")
        assert transport.tell(response) is None
