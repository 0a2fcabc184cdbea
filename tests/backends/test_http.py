from __future__ import annotations

import gzip
import importlib.util

import pytest

from claif_cla.backends.base import Backend, Hop
from claif_cla.backends.http import HttpBackend
from claif_cla.wire.http import UpstreamRequest
from loopback import Ending, json_answer, no_answer, streamed, whole

INSTALLED = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]
REQUEST = UpstreamRequest("POST", "/v1/messages", {"x-own": "1"}, b'{"a": 1}', "q=a%2Fb&q=c")

pytestmark = pytest.mark.anyio


@pytest.fixture(params=INSTALLED)
def library(request):
    return importlib.import_module(request.param)


@pytest.fixture(params=["sync", "async"])
async def opened(request, library, server):
    """Opens an upstream request; reading and closing are awaited either way."""
    if request.param == "sync":
        with library.Client() as http:
            yield lambda asked, **hop: Sync(http, server.url, hop).open(asked)
    else:
        async with library.AsyncClient() as http:
            yield lambda asked, **hop: Async(http, server.url, hop).open(asked)


class Sync:
    def __init__(self, http, root, hop):
        self.hop = Hop(http, hop.pop("root", root), **hop)

    async def open(self, asked):
        self.exchange = HttpBackend().open(asked, self.hop)
        return self

    async def read(self):
        return self.exchange.read()

    async def close(self):
        self.exchange.close()


class Async(Sync):
    async def open(self, asked):
        self.exchange = await HttpBackend().aopen(asked, self.hop)
        return self

    async def read(self):
        return await self.exchange.read()

    async def close(self):
        await self.exchange.close()


@pytest.mark.parametrize(
    ("root", "official"),
    [
        ("https://api.anthropic.com", True),
        ("https://API.Anthropic.com:443/prefix", True),
        ("https://proxy.test", False),
        ("https://api.anthropic.com.evil.test", False),
        ("http://127.0.0.1:8080", False),
    ],
)
async def test_official_is_anthropics_own_host(root, official):
    assert HttpBackend().is_official(root) == official
    assert isinstance(HttpBackend(), Backend)


async def test_request_goes_out_as_it_is(opened, server):
    server.enqueue(json_answer({}))
    opened_ = await opened(REQUEST)
    await opened_.close()
    sent = server.last
    assert (sent.method, sent.target, sent.body) == (
        "POST",
        "/v1/messages?q=a%2Fb&q=c",
        b'{"a": 1}',
    )
    assert sent.headers["x-own"] == "1"


async def test_request_without_query_and_body(opened, server):
    server.enqueue(json_answer({}))
    await (await opened(UpstreamRequest("GET", "/v1/models"))).close()
    assert (server.last.method, server.last.target, server.last.body) == ("GET", "/v1/models", b"")


async def test_root_may_have_a_path(opened, server):
    server.enqueue(json_answer({}))
    await (await opened(REQUEST, root=f"{server.url}/anthropic")).close()
    assert server.last.path == "/anthropic/v1/messages"


async def test_status_and_headers_are_there_before_the_body(opened, server):
    server.enqueue(json_answer({"a": 1}, 429, {"Retry-After": "7", "X-Two": "b"}))
    answer = await opened(REQUEST)
    assert answer.exchange.status == 429
    assert answer.exchange.headers["retry-after"] == "7"
    assert answer.exchange.headers["x-two"] == "b"
    assert await answer.read() == b'{"a": 1}'
    assert await answer.read() == b""
    assert await answer.read() == b""
    await answer.close()


async def test_pieces_come_as_they_arrive(opened, server):
    server.enqueue(streamed([b"one", b"two"]))
    answer = await opened(REQUEST)
    found = []
    while piece := await answer.read():
        found.append(piece)
    await answer.close()
    assert b"".join(found) == b"onetwo"


async def test_a_compressed_body_is_undone_and_swallowed_pieces_are_no_end(opened, server):
    packed = gzip.compress(b"hello " * 100)
    pieces = [packed[:3], packed[3:10], packed[10:]]  # the first hold no more than the header
    server.enqueue(streamed(pieces, headers={"content-encoding": "gzip"}))
    answer = await opened(REQUEST)
    body = b""
    while piece := await answer.read():
        body += piece
    await answer.close()
    assert body == b"hello " * 100


async def test_closing_early_and_twice(opened, server):
    def endless():
        while True:
            yield b"x" * 1000

    server.enqueue(streamed(endless()))
    answer = await opened(REQUEST)
    assert await answer.read()
    await answer.close()
    await answer.close()
    server.wait_until_abandoned(timeout=2)


async def test_timeouts_of_the_hop_are_used(opened, server, library):
    server.enqueue(no_answer(Ending.STALL))
    extensions = {"timeout": {"connect": 5, "read": 0.05, "write": 5, "pool": 5}}
    with pytest.raises(library.ReadTimeout):
        await opened(REQUEST, extensions=extensions)


@pytest.mark.parametrize("follow", [False, True])
async def test_options_of_the_hop_are_used(opened, server, follow):
    server.enqueue(whole(b"", 307, {"location": "/moved"}), json_answer({}))
    answer = await opened(REQUEST, options={"follow_redirects": follow})
    await answer.close()
    assert answer.exchange.status == (200 if follow else 307)
