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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import openai

from claif_cla.backends.base import Backend, Hop
from claif_cla.drive import AsyncOpened, Opened, achunks, arun, chunks, run
from claif_cla.errors import TruncatedStream, UpstreamFault
from claif_cla.http_library import HttpLibrary, library_of
from claif_cla.http_request import is_unread, json_of, taken_outcome
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.error_body import fault_answer, fault_object
from claif_cla.translate.flow import Answer
from claif_cla.translate.routes import flow_for
from claif_cla.warn import Warner
from claif_cla.wire import json_text
from claif_cla.wire.http import UpstreamRequest
from claif_cla.wire.secret_headers import redact

__all__ = ["Outcome", "Transport", "api_root"]

_ANSWER = "claif_cla.answer"
"""Where a response keeps what `tell` needs, among its `extensions`: remarks and receipts."""


def api_root(base_url: str) -> str:
    """The address below which `/v1/messages` lies: without a trailing slash or `/v1`."""
    return base_url.rstrip("/").removesuffix("/v1").rstrip("/")


class Transport:
    """Answers the requests of one client.

    Attributes:
        backend: where Messages requests are answered.
        settings: of the translation; `official` is decided per request, by its address.
        user_agent: of the upstream requests.
        warner: issues each warning once; a client's copies share it.
    """

    def __init__(
        self, backend: Backend, settings: Settings, user_agent: str, warner: Warner | None = None
    ) -> None:
        self.backend = backend
        self.settings = settings
        self.user_agent = user_agent
        self.warner = warner or Warner()
        # Made once: a copy of them in each call to a server that is not Anthropic's is slow.
        self._elsewhere = replace(settings, official=not settings.official)

    def send(self, request: Any, base_url: str, http: Any, options: Mapping[str, Any]) -> Any:
        """Answer one request of the SDK. Raises what its HTTP library raises.

        Args:
            request: of `httpx` or `httpx2`.
            base_url: of the client that made it.
            http: the client's HTTP client, for the upstream hop.
            options: further arguments of its `send`.
        """
        if not is_unread(request):
            request.read()
        incoming = _Incoming(request, base_url)
        call, hop = incoming.call(self), Hop(http, incoming.root, request.extensions, options)
        opened = self._opened(hop)
        try:
            outcome = taken_outcome(request)
            answer = run(flow_for(call), opened) if outcome is None else outcome.result()
        except UpstreamFault as fault:
            answer = incoming.answer_to(fault)
        if not answer.is_stream:
            return incoming.response(answer)
        return incoming.response(answer, incoming.sync_body(answer, opened))

    def answer(self, call: Call, hop: Hop) -> Answer:
        """The whole answer to a call. Raises `UpstreamFault`, and what the HTTP library raises."""
        return run(flow_for(call), self._opened(hop))

    def _opened(self, hop: Hop) -> Opened:
        return Opened(lambda upstream: self.backend.open(self._named(upstream), hop))

    async def asend(
        self, request: Any, base_url: str, http: Any, options: Mapping[str, Any]
    ) -> Any:
        """`send`, for the async client."""
        if not is_unread(request):
            await request.aread()
        incoming = _Incoming(request, base_url)
        call, hop = incoming.call(self), Hop(http, incoming.root, request.extensions, options)
        opened = self._aopened(hop)
        try:
            outcome = taken_outcome(request)
            answer = await arun(flow_for(call), opened) if outcome is None else outcome.result()
        except UpstreamFault as fault:
            answer = incoming.answer_to(fault)
        if not answer.is_stream:
            return incoming.response(answer)
        return incoming.response(answer, incoming.async_body(answer, opened))

    async def aanswer(self, call: Call, hop: Hop) -> Answer:
        """`answer`, for the async client."""
        return await arun(flow_for(call), self._aopened(hop))

    def _aopened(self, hop: Hop) -> AsyncOpened:
        return AsyncOpened(lambda upstream: self.backend.aopen(self._named(upstream), hop))

    def tell(self, response: Any) -> None:
        """Issue the warnings of a response that `send` or `asend` made.

        The client calls this once the SDK has taken the response. Inside `send`, a program that
        turns warnings into errors would make openai 2 believe that the connection had failed:
        it would try again, and pay again.
        """
        self.warn(*response.extensions.get(_ANSWER, ((), ())))

    def warn(self, remarks: Sequence[str], adaptations: Sequence[Mapping[str, str]]) -> None:
        """Issue the warnings of an answer."""
        if remarks:
            self.warner.deprecated(remarks)
        if adaptations:
            self.warner.adapted(adaptations)

    def settings_for(self, *, official: bool) -> Settings:
        """The settings for a server that is, or is not, Anthropic's own."""
        return self.settings if self.settings.official == official else self._elsewhere

    def _named(self, request: UpstreamRequest) -> UpstreamRequest:
        headers = {**request.headers, "user-agent": self.user_agent}
        return UpstreamRequest(request.method, request.path, headers, request.body, request.query)


class Outcome(NamedTuple):
    """What has come of a call's first attempt: one of both."""

    answer: Answer | None = None
    error: Exception | None = None

    def result(self) -> Answer:
        if self.answer is None:
            raise self.error or ValueError("an outcome has an answer or an error")
        return self.answer


class _Incoming:
    """One request of the SDK, and the responses that it can get."""

    def __init__(self, request: Any, base_url: str) -> None:
        self.request = request
        self.http: HttpLibrary = library_of(request)
        self.started = time.monotonic()
        self.root = api_root(base_url)
        # A caller may give an absolute URL; what is not below the root is no endpoint of ours.
        address, _, self.query = str(request.url).partition("?")
        self.path = address.removeprefix(self.root).removeprefix("/v1")

    def call(self, transport: Transport) -> Call:
        """What the request asks. From then on it has no secrets.

        It goes nowhere itself, but the SDK hangs it on its exceptions and responses, which
        programs pickle, log and hand to other processes. A retry gets a new one.
        """
        official = transport.backend.is_official(self.root)
        call = Call(
            method=self.request.method,
            path=self.path,
            request=json_of(self.request),
            settings=transport.settings_for(official=official),
            headers=dict(self.request.headers.items()),  # its own `keys` and `[]` are slow
            query=self.query,
            now=int(time.time()),
        )
        redact(self.request.headers)
        return call

    def response(self, answer: Answer, stream: Any = None) -> Any:
        """The answer as a response of the request's library; `stream` is the body of a stream."""
        kind = "application/json" if stream is None else "text/event-stream; charset=utf-8"
        headers = {**answer.headers, "content-type": kind}
        content = json_text.dump_bytes(answer.body) if stream is None else None
        response = self.http.response(
            answer.status,
            # Bytes: the library takes only ASCII from a string, a server may have sent more.
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            request=self.request,
            content=content,
            stream=stream,
            extensions={_ANSWER: (answer.remarks, answer.adaptations)},
        )
        # The library sets this only on responses that it received itself.
        response.elapsed = timedelta(seconds=time.monotonic() - self.started)
        return response

    def answer_to(self, fault: UpstreamFault) -> Answer:
        """What a whole answer that broke the protocol becomes. Raises if it was cut."""
        if isinstance(fault, TruncatedStream):
            raise self.http.cut(fault.message, request=self.request) from fault
        return fault_answer(fault)

    def sync_body(self, answer: Answer, opened: Opened) -> Any:
        return self.http.sync_body(chunks(answer.body, opened, self._failure), opened.close)

    def async_body(self, answer: Answer, opened: AsyncOpened) -> Any:
        return self.http.async_body(achunks(answer.body, opened, self._failure), opened.close)

    def _failure(self, error: Exception) -> Exception:
        """What an error in the middle of a stream is to the caller."""
        expected = isinstance(error, (*self.http.wire_faults, UpstreamFault))
        return self._broken(error) if expected else error

    def _broken(self, error: Exception) -> openai.APIError:
        if isinstance(error, self.http.timeout):
            return openai.APITimeoutError(request=self.request)
        if isinstance(error, UpstreamFault) and not isinstance(error, TruncatedStream):
            body = fault_object(error)
            return openai.APIError(body["message"], request=self.request, body=body)
        reason = str(error) or type(error).__name__
        message = f"The stream broke: {reason}."
        return openai.APIConnectionError(message=message, request=self.request)
