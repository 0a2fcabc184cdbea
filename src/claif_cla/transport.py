"""Under the openai client: its HTTP request in, its HTTP response out.

The openai SDK keeps everything that is its own: building requests, retries, exceptions, parsed
types, raw and streaming views. Here its request becomes a `Call`, the call's flow is driven
over the backend, and the answer becomes a response of the request's own HTTP library.

What goes wrong before the answer:

- The wire fails, or the answer is cut: the HTTP library's exception, so that the SDK retries it
  and then raises `APIConnectionError` or `APITimeoutError`.
- An answer that is none of the API's: status 502, not retried, `InternalServerError`.

What goes wrong in the middle of a stream:

- The wire fails, or the stream is cut: `APIConnectionError` or `APITimeoutError`.
- An `error` event: `APIError`, raised by the SDK from the translated error.
- Events that are none of the API's: `APIError`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import openai

from claif_cla.backends.base import Backend, Hop
from claif_cla.drive import AsyncOpened, Opened, achunks, arun, chunks, run
from claif_cla.errors import TruncatedStream, UpstreamFault
from claif_cla.http_library import HttpLibrary, library_of
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.error_body import fault_answer, fault_object
from claif_cla.translate.flow import Answer, Chunk, ChunkFlow
from claif_cla.translate.routes import flow_for
from claif_cla.warn import Warner
from claif_cla.wire import json_text, sse
from claif_cla.wire.http import UpstreamRequest

__all__ = ["Transport", "api_root"]

_DONE = sse.encode(b"[DONE]")


def api_root(base_url: str) -> str:
    """The address below which `/v1/messages` lies: without a trailing slash or `/v1`."""
    return base_url.rstrip("/").removesuffix("/v1").rstrip("/")


@dataclass(frozen=True, slots=True)
class Transport:
    """Answers the requests of one client.

    Attributes:
        backend: where Messages requests are answered.
        settings: of the translation; `official` is decided per request, by its address.
        user_agent: of the upstream requests.
        warner: issues each warning once; a client's copies share it.
    """

    backend: Backend
    settings: Settings
    user_agent: str
    warner: Warner = field(default_factory=Warner)

    def send(self, request: Any, base_url: str, http: Any, options: Mapping[str, Any]) -> Any:
        """Answer one request of the SDK. Raises what its HTTP library raises.

        Args:
            request: of `httpx` or `httpx2`.
            base_url: of the client that made it.
            http: the client's HTTP client, for the upstream hop.
            options: further arguments of its `send`.
        """
        request.read()
        incoming = _Incoming(request, base_url)
        call = incoming.call(self)
        hop = incoming.hop(http, options)
        opened = Opened(lambda upstream: self.backend.open(self._named(upstream), hop))
        try:
            answer = run(flow_for(call), opened)
        except UpstreamFault as fault:
            answer = incoming.answer_to(fault)
        if answer.is_stream:
            body = incoming.library.sync_body(incoming.sync_body(answer.body, opened))
            return self._response(incoming, answer, stream=body)
        return self._response(incoming, answer, content=json_text.dump_bytes(answer.body))

    async def asend(
        self, request: Any, base_url: str, http: Any, options: Mapping[str, Any]
    ) -> Any:
        """`send`, for the async client."""
        await request.aread()
        incoming = _Incoming(request, base_url)
        call = incoming.call(self)
        hop = incoming.hop(http, options)
        opened = AsyncOpened(lambda upstream: self.backend.aopen(self._named(upstream), hop))
        try:
            answer = await arun(flow_for(call), opened)
        except UpstreamFault as fault:
            answer = incoming.answer_to(fault)
        if answer.is_stream:
            body = incoming.library.async_body(incoming.async_body(answer.body, opened))
            return self._response(incoming, answer, stream=body)
        return self._response(incoming, answer, content=json_text.dump_bytes(answer.body))

    def _named(self, request: UpstreamRequest) -> UpstreamRequest:
        return replace(request, headers={**request.headers, "user-agent": self.user_agent})

    def _response(self, incoming: _Incoming, answer: Answer, **body: Any) -> Any:
        self.warner.deprecated(answer.remarks)
        self.warner.adapted(answer.adaptations)
        kind = "text/event-stream; charset=utf-8" if answer.is_stream else "application/json"
        response = incoming.library.response(
            answer.status,
            headers={**answer.headers, "content-type": kind},
            request=incoming.request,
            **body,
        )
        # The library sets this only on responses that it received itself.
        response.elapsed = timedelta(seconds=time.monotonic() - incoming.started)
        return response


class _Incoming:
    """One request of the SDK, and what is said about its failures."""

    def __init__(self, request: Any, base_url: str) -> None:
        self.request = request
        self.library: HttpLibrary = library_of(request)
        self.started = time.monotonic()
        self.root = api_root(base_url)
        # A caller may give an absolute URL; what is not below the root is no endpoint of ours.
        below = str(request.url.copy_with(query=None)).removeprefix(self.root)
        self.path = below.removeprefix("/v1")

    def call(self, transport: Transport) -> Call:
        request = self.request
        official = transport.backend.is_official(self.root)
        return Call(
            method=request.method,
            path=self.path,
            request=self._json(),
            settings=replace(transport.settings, official=official),
            headers=dict(request.headers),
            query=request.url.query.decode("ascii"),
            now=int(time.time()),
        )

    def _json(self) -> Any:
        try:
            return json_text.load(self.request.content) if self.request.content else None
        except ValueError:  # an upload: endpoints that take one do not look at it as JSON
            return None

    def hop(self, http: Any, options: Mapping[str, Any]) -> Hop:
        return Hop(http, self.root, self.request.extensions, options)

    def answer_to(self, fault: UpstreamFault) -> Answer:
        if isinstance(fault, TruncatedStream):
            raise self.library.cut(fault.message, request=self.request) from fault
        return fault_answer(fault)

    def sync_body(self, flow: ChunkFlow, opened: Opened) -> Generator[bytes, None, None]:
        pieces = chunks(flow, opened)
        try:
            with self._faults_in_stream():
                for chunk in pieces:
                    yield _encoded(chunk)
            yield _DONE
        finally:
            pieces.close()

    async def async_body(self, flow: ChunkFlow, opened: AsyncOpened) -> AsyncGenerator[bytes, None]:
        pieces = achunks(flow, opened)
        try:
            with self._faults_in_stream():
                async for chunk in pieces:
                    yield _encoded(chunk)
            yield _DONE
        finally:
            await pieces.aclose()

    @contextmanager
    def _faults_in_stream(self) -> Iterator[None]:
        try:
            yield
        except self.library.timeout as error:
            raise openai.APITimeoutError(request=self.request) from error
        except self.library.error as error:
            message = f"The stream broke: {error}"
            raise openai.APIConnectionError(message=message, request=self.request) from error
        except TruncatedStream as fault:
            message = f"The stream broke: {fault.message}."
            raise openai.APIConnectionError(message=message, request=self.request) from fault
        except UpstreamFault as fault:
            body = fault_object(fault)
            raise openai.APIError(body["message"], request=self.request, body=body) from fault


def _encoded(chunk: Chunk) -> bytes:
    return sse.encode(json_text.dump_bytes(chunk))
