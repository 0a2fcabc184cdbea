"""What the tests of the upstream are made with: time that stands still, requests, readers."""

from __future__ import annotations

import asyncio
import json

from claif_cla.backends.base import Hop
from claif_cla.gateway.config import Config
from claif_cla.gateway.visit import Visit
from claif_cla.wire.http import UpstreamRequest
from loopback import error_event, sse, stream_of, text_block

SECRET = "sk-ant-upstream-SECRET"
CALLERS = "sk-ant-caller-PRIVATE"
STREAM = sse(stream_of([text_block("Hello")]))
OVERLOADED = sse([error_event("overloaded_error", "Overloaded")])


class Clock:
    """Seconds that pass only when told; waits are noted, and over at once."""

    def __init__(self):
        self.now, self.waits = 1000.0, []

    def __call__(self):
        return self.now

    async def pause(self, seconds):
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def account(name, url=None, *, key=None, weight=1):
    made = {"name": name, "api_key": key or f"{SECRET}-{name}", "weight": weight}
    return made if url is None else {**made, "base_url": url}


def config_of(url, *, accounts=None, **options):
    upstream = {"base_url": url, **options}
    return Config(upstream=upstream, accounts=tuple(accounts or [account("one")]))


def request_of(body=b'{"model":"claude"}', **options):
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    return UpstreamRequest("POST", "/v1/messages", {**headers, **options}, body)


def visit_of():
    return Visit("req_1")


async def opened(upstream, request=None, visit=None):
    return await upstream.aopen(request or request_of(), Hop(visit or visit_of(), ""))


async def read_all(exchange):
    pieces = []
    while piece := await exchange.read():
        pieces.append(piece)
    return b"".join(pieces)


async def answer_of(upstream, request=None, visit=None):
    """Status and body of a request, its exchange closed."""
    exchange = await opened(upstream, request, visit)
    try:
        return exchange.status, await read_all(exchange)
    finally:
        await exchange.close()


def keys_of(server):
    """The accounts whose keys the server has seen, in order."""
    marker = f"Bearer {SECRET}-"
    return [request.headers["authorization"].removeprefix(marker) for request in server.requests]


def type_of(body):
    return json.loads(body)["error"]["type"]


async def in_thread(wait, *args):
    """Waits of the loopback server block: the loop must go on meanwhile."""
    await asyncio.to_thread(wait, *args)
