"""The course of one request: the gateway as an ASGI application.

    doors ── key ── body ── limits ── the endpoint's own course ── ledger ── the last byte

Every way out of a request leads through `_end`: the caller's place is given back, and limits,
ledger, metrics and log know how it went.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping, MutableMapping
from random import getrandbits
from time import perf_counter
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.gateway import doors
from claif_cla.gateway.caller import JSON_TYPE, Caller, Receive, Send
from claif_cla.gateway.chat import chat
from claif_cla.gateway.connections import DIRECT, LEAVING
from claif_cla.gateway.denial import Denial
from claif_cla.gateway.endpoints import Endpoint, endpoint_of
from claif_cla.gateway.messages import count_tokens, messages
from claif_cla.gateway.models import models
from claif_cla.gateway.openapi import document
from claif_cla.gateway.parts import Parts
from claif_cla.gateway.room import Room
from claif_cla.gateway.upstream.errors import UpstreamFailure
from claif_cla.gateway.visit import Visit
from claif_cla.translate.body import parse
from claif_cla.wire import json_text

__all__ = ["Gateway"]

_LOG = logging.getLogger("claif_cla.gateway")
_ID = b"x-claif-request-id"
_SLASHES = re.compile(r"/{2,}")
_LEFT = 499
"""The status in logs of a request whose caller left before an answer; nginx's number for it."""


class Gateway:
    """See the module.

    Args:
        parts: what requests are served with; `replace` changes them for those to come.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        server = parts.config.server
        self.room = Room(server.max_in_flight, server.max_queued, server.queue_seconds)
        self.bodies = Room(
            server.max_bodies_bytes,
            server.max_queued,
            server.queue_seconds,
            what="too many long requests at once",
        )
        self.is_draining = False

    @property
    def in_flight(self) -> int:
        """Requests that are being served, without those of health and metrics."""
        return self.room.taken

    def replace(self, parts: Parts) -> None:
        """Serve the requests to come with these; those that run keep theirs."""
        self.parts = parts
        server = parts.config.server
        self.room.resize(server.max_in_flight, server.max_queued, server.queue_seconds)
        self.bodies.resize(server.max_bodies_bytes, server.max_queued, server.queue_seconds)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        parts = self.parts
        visit = Visit(_new_id(), scope["method"], scope["path"], client=_client(scope))
        seconds = parts.config.server.send_seconds
        # Taken out: what leads to the request and is led to by it waits for the collector.
        direct = scope.get("extensions", {}).pop(DIRECT, None)
        caller = Caller(visit, receive, send, send_seconds=seconds, direct=direct)
        try:
            await self._serve(parts, caller, scope)
        except asyncio.CancelledError:
            if not visit.left:  # the server stops, and this has outlived the drain
                await _tell(caller, _stopping())
                raise
        except Exception as error:  # noqa: BLE001 - the last door
            await _tell(caller, error)
        finally:
            await _end(parts, caller)

    async def _serve(self, parts: Parts, caller: Caller, scope: Mapping[str, Any]) -> None:
        visit, server = caller.visit, parts.config.server
        endpoint = endpoint_of(scope["path"])
        if endpoint is not None:
            visit.endpoint = endpoint.name
        headers = doors.one_of_each(scope["headers"], server.max_header_bytes)
        caller.headers, caller.query = headers, scope["query_string"].decode("latin-1")
        parts.seen.started(visit, headers)
        is_open = endpoint is not None and endpoint.is_open
        # Who probes a container names its address, which nobody can list.
        if not is_open or doors.is_loopback(server.host):
            doors.check_host(headers, server.allowed_hosts, server.host)
        if cors := doors.cors_headers(headers, server.cors_origins):
            caller.always += cors
            if visit.method == "OPTIONS":
                await caller.answer(204, b"", ())
                return
        if not is_open:
            await self._admit(parts, caller, endpoint)
        if endpoint is None:
            raise _no_endpoint(visit)
        _check_method(visit, endpoint)
        if endpoint.name in _OWN:
            await _OWN[endpoint.name](self, parts, caller)
            return
        if not self.room.enter_now():
            await self.room.enter()
        try:
            await _asked(parts, caller, endpoint, scope, self.bodies)
        finally:
            self.room.leave()
            if caller.held:
                self.bodies.leave(caller.held)

    async def _admit(self, parts: Parts, caller: Caller, endpoint: Endpoint | None) -> None:
        visit = caller.visit
        if endpoint is not None and endpoint.name == "metrics":
            metrics = parts.config.metrics
            if metrics.public or (doors.is_loopback(visit.client) and not parts.gate.requires_keys):
                return
        await parts.gate.admit(visit, doors.credential(caller.headers))

    # The endpoints that are the gateway's own

    async def _health(self, parts: Parts, caller: Caller) -> None:
        await _own(caller, 200, {"status": "ok"})

    async def _ready(self, parts: Parts, caller: Caller) -> None:
        if self.is_draining:
            await _own(caller, 503, {"status": "draining"})
            return
        is_ready = await parts.upstream.ready()
        status = "ready" if is_ready else "upstream unreachable"
        await _own(caller, 200 if is_ready else 503, {"status": status})

    async def _metrics(self, parts: Parts, caller: Caller) -> None:
        if not parts.config.metrics.enabled:
            raise _no_endpoint(caller.visit)
        page, kind = parts.seen.metrics_page(caller.headers.get("accept", ""))
        await caller.answer(200, page, [(b"content-type", kind.encode())])

    async def _openapi(self, parts: Parts, caller: Caller) -> None:
        await _own(caller, 200, document())


_OWN = {
    "health": Gateway._health,  # noqa: SLF001 - the table of this class
    "ready": Gateway._ready,  # noqa: SLF001
    "metrics": Gateway._metrics,  # noqa: SLF001
    "openapi": Gateway._openapi,  # noqa: SLF001
}


async def _asked(
    parts: Parts, caller: Caller, endpoint: Endpoint, scope: Mapping[str, Any], bodies: Room
) -> None:
    """Read what is asked, and answer it over upstream."""
    if not endpoint.has_body:
        caller.watch(scope.get("extensions", {}).get(LEAVING))
        raw = scope.get("raw_path") or scope["path"].encode()
        await models(parts, caller, raw.decode("latin-1").removeprefix("/v1"))
        return
    doors.check_json(caller.headers)
    limit = parts.config.server.max_body_bytes
    body = await caller.body(limit, caller.headers.get("content-length"), bodies)
    request = _object(body)
    caller.watch(scope.get("extensions", {}).get(LEAVING))
    if endpoint.name == "chat":
        size = len(body)
        del body  # it may be 32 MB, and what upstream is sent is another
        await chat(parts, caller, request, size)
    elif endpoint.name == "messages":
        await messages(parts, caller, request, body)
    else:
        await count_tokens(parts, caller, request, body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = parse(body)
    except ValueError as error:
        message = "The request's body is no JSON, or nested too deeply."
        raise Denial(400, message, code="invalid_json") from error
    if not isinstance(value, dict):
        raise Denial(400, "The request's body must be a JSON object.", code="invalid_json")
    return value


def _no_endpoint(visit: Visit) -> Denial:
    where = f"{visit.method[:20]} {visit.path[:200]}"
    advice = _meant(visit.path) or "/openapi.json lists what it serves."
    message = f"claif_cla serves no {where}; {advice}"
    return Denial(404, message, code="unsupported_endpoint")


def _meant(path: str) -> str:
    """What to do where the path shows the usual mistakes of a client's settings; or nothing."""
    plain = _SLASHES.sub("/", path).rstrip("/")
    if plain.endswith("/responses"):
        return "set the client to Chat Completions (/v1/chat/completions)."
    for near in (plain, f"/v1{plain}", plain.removeprefix("/v1")):
        endpoint = endpoint_of(near)
        if endpoint is not None and near == endpoint.path != path:
            return (
                f"did you mean {near}? OpenAI's clients want a base URL that ends in /v1,"
                " Anthropic's one without it."
            )
    return ""


def _check_method(visit: Visit, endpoint: Endpoint) -> None:
    if visit.method == endpoint.method or (visit.method, endpoint.method) == ("HEAD", "GET"):
        return
    message = f"{endpoint.path} takes {endpoint.method}, not {visit.method[:20]}."
    raise Denial(
        405, message, code="method_not_allowed", headers={"allow": endpoint.method.upper()}
    )


def _stopping() -> Denial:
    message = "The gateway is stopping, and this took longer than it waits. Try again."
    return Denial(
        503, message, code="gateway_stopping", kind="server_error", headers={"retry-after": "1"}
    )


async def _own(caller: Caller, status: int, value: Mapping[str, Any]) -> None:
    await caller.answer(status, json_text.dump_bytes(value), [JSON_TYPE])


# How a request ends


async def _tell(caller: Caller, error: Exception) -> None:
    """Answer with an error; a stream that has begun has it as its last event, and is cut."""
    visit = caller.visit
    denial = _denial(error)
    visit.code = denial.code
    is_native = visit.endpoint in ("messages", "count_tokens")
    body = denial.as_anthropic(visit.id) if is_native else denial.as_openai()
    if caller.started:
        if caller.direct is not None:  # which does nothing unless it is a stream, and runs
            event = b"event: error\n" if is_native else b""
            caller.direct.piece(b"%bdata: %b\n\n" % (event, json_text.dump_bytes(body)))
        return
    caller.always = [field for field in caller.always if field[0] != _ID]
    headers = [
        JSON_TYPE,
        (b"x-request-id", visit.id.encode()),
        (_ID, visit.id.encode()),
        *((name.encode(), value.encode("latin-1")) for name, value in denial.headers.items()),
    ]
    if is_native:  # where Anthropic's SDK looks for it
        headers.append((b"request-id", visit.id.encode()))
    await caller.answer(denial.status, json_text.dump_bytes(body), headers)


def _denial(error: Exception) -> Denial:
    if isinstance(error, Denial):
        return error
    if isinstance(error, UpstreamFailure):
        return error.as_denial()
    if isinstance(error, Refusal):
        return Denial(error.status, error.message, code=error.code, param=error.param)
    # The trace names no content: only what code raised it.
    _LOG.error("a request failed in the gateway itself", exc_info=error)
    return Denial(
        500, "The gateway failed; its log tells more.", code="gateway_error", kind="server_error"
    )


async def _end(parts: Parts, caller: Caller) -> None:
    visit = caller.visit
    caller.unwatch()
    visit.ended_at = perf_counter()
    if visit.left and not caller.started:
        visit.status = _LEFT
    if not visit.settled and (visit.reserved is not None or visit.usages):
        await asyncio.shield(parts.gate.settle(visit))
    parts.seen.finished(visit)


def _new_id() -> str:
    # By time first: the ledger's table is ordered by it, and grows at its end, not all over.
    # No secret: who knows an id can do nothing with it.
    return f"req_{time.time_ns() // 1_000_000:012x}{getrandbits(48):012x}"


def _client(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
