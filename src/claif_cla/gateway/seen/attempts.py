"""The spans of what goes upstream: one for each attempt, inside the span of its request.

An attempt that failed ends where that is known. One that was answered ends with its request: only
then it is known what its answer has used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from claif_cla.gateway.seen import genai
from claif_cla.gateway.seen.labels import NONE, Labels, status_of
from claif_cla.gateway.seen.redaction import Redactor
from claif_cla.gateway.visit import Visit

if TYPE_CHECKING:
    from claif_cla.gateway.upstream.exchange import PeekedExchange, Trouble

__all__ = ["Attempt", "Attempts", "Trace", "set_status"]


class Attempt:
    """One request upstream.

    Attributes:
        span: of it.
        headers: the context of the span, for upstream.
        sent_at: when that was, of `time.perf_counter`.
        exchange: the answer, once there is one.
    """

    __slots__ = ("exchange", "headers", "sent_at", "span")

    def __init__(self, span: Span, headers: Mapping[str, str]) -> None:
        self.span, self.headers, self.sent_at = span, headers, perf_counter()
        self.exchange: PeekedExchange | None = None


class Trace:
    """What `Visit.trace` holds between a request's beginning and its end.

    Args:
        attempts: makes the spans; None where only metrics are wanted.
        guard: calls a function, and gives None where that fails.

    Attributes:
        server: the span of the request, or None.
        sent_at: when it first went upstream, of `time.perf_counter`; None if it never did.
        running: attempts that have not failed.
    """

    __slots__ = ("_attempts", "_guard", "running", "sent_at", "server")

    def __init__(self, attempts: Attempts | None, guard: Callable[..., Any]) -> None:
        self._attempts, self._guard = attempts, guard
        self.server: Span | None = None
        self.sent_at: float | None = None
        self.running: list[Attempt] = []

    def attempt(self, visit: Visit, method: str, account: str) -> Attempt | None:
        """Begin an attempt; None where nothing of it is recorded, and upstream is told nothing.

        Of a trace that is not recorded there is nothing to tell: nobody could look it up.

        Args:
            visit: of the request, before `attempts` counts this one.
            method: of HTTP.
            account: the name of the one that is asked.
        """
        if self.sent_at is None:
            self.sent_at = perf_counter()
        if self._attempts is None or self.server is None or not self.server.is_recording():
            return None
        made: Attempt | None = self._guard(
            self._attempts.begun, visit, method, account, self.server
        )
        if made is not None:
            self.running.append(made)
        return made

    def came(
        self, attempt: Attempt, exchange: PeekedExchange | None, trouble: Trouble | None
    ) -> None:
        """What has come of an attempt: an answer, or trouble, which ends it."""
        attempt.exchange = exchange
        if trouble is not None and self._attempts is not None and attempt in self.running:
            self.running.remove(attempt)
            self._guard(self._attempts.failed, attempt, trouble)


class Attempts:
    """Makes the spans.

    Args:
        tracer: of the gateway.
        labels: bounds the names of accounts and errors.
    """

    def __init__(self, tracer: Tracer, labels: Labels) -> None:
        self._tracer, self._labels = tracer, labels
        self._propagator = TraceContextTextMapPropagator()

    def configure(self, clean: Redactor, peer: Mapping[str, str | int]) -> None:
        """Take how text is cleaned, and where upstream is."""
        self._clean, self._peer = clean, peer

    def begun(self, visit: Visit, method: str, account: str, server: Span) -> Attempt:
        """The span of an attempt that is about to be sent."""
        number = visit.attempts + 1
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "claif.upstream.account": self._labels.account(account),
            "claif.upstream.attempt": number,
            **self._peer,
        }
        if number > 1:
            attributes["http.request.resend_count"] = number - 1
        name, operation = method, genai.OPERATIONS.get(visit.endpoint)
        if operation is not None:
            model = self._clean(visit.model or NONE)
            name = f"{operation} {model}"
            attributes[genai.OPERATION] = operation
            attributes[genai.PROVIDER] = genai.PROVIDER_NAME
            attributes[genai.REQUEST_MODEL] = model
            attributes[genai.STREAM] = visit.streamed
        within = set_span_in_context(server)
        span = self._tracer.start_span(name, within, SpanKind.CLIENT, attributes)
        headers: dict[str, str] = {}
        self._propagator.inject(headers, context=set_span_in_context(span))
        return Attempt(span, headers)

    def failed(self, attempt: Attempt, trouble: Trouble) -> None:
        """End an attempt that brought no answer, or an error that may be tried again."""
        span = attempt.span
        try:
            self._tell_status(attempt)
            code = trouble.failure.code if trouble.failure is not None else None
            span.set_attribute(genai.ERROR_TYPE, code or status_of(trouble.status))
            span.set_status(Status(StatusCode.ERROR))
        finally:
            span.end()

    def ended(self, attempt: Attempt, visit: Visit, end: int | None) -> None:
        """End an attempt together with its request.

        Args:
            attempt: that has not failed.
            visit: that has ended.
            end: in nanoseconds; None is now.
        """
        span = attempt.span
        try:
            self._tell_status(attempt)
            usage = visit.usages.get(attempt.exchange)
            if usage is not None:
                span.set_attributes(genai.usage_of(usage))
                span.set_attribute(genai.RESPONSE_MODEL, self._clean(usage.model))
            if visit.streamed and visit.first_byte_at is not None:
                first = max(0.0, visit.first_byte_at - attempt.sent_at)
                span.set_attribute(genai.FIRST_CHUNK, first)
            set_status(span, visit, self._labels, worst=400)
        finally:
            span.end(end)

    @staticmethod
    def _tell_status(attempt: Attempt) -> None:
        if attempt.exchange is not None:
            attempt.span.set_attribute("http.response.status_code", attempt.exchange.status)


def set_status(span: Span, visit: Visit, labels: Labels, *, worst: int) -> None:
    """By the conventions of HTTP: a 4xx is a client's error, not the server's.

    Args:
        span: of either side.
        visit: that has ended.
        labels: bounds what is told.
        worst: the status from which on it is an error of this side.
    """
    error = labels.error(visit)
    if error is None:
        return
    span.set_attribute(genai.ERROR_TYPE, error)
    if visit.status >= worst or visit.status < 400:
        span.set_status(Status(StatusCode.ERROR))
