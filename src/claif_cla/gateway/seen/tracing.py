"""Spans and metrics by OpenTelemetry, with its conventions for HTTP and for generative AI.

One span for a request, and in it one for each attempt upstream (`attempts`). They hold no content
unless `telemetry.content` is set. Imported only where telemetry is wanted: it needs the extra
`otel`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time_ns
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from claif_cla.gateway.endpoints import ENDPOINTS
from claif_cla.gateway.seen import genai, otel
from claif_cla.gateway.seen.attempts import Attempts, Trace, set_status
from claif_cla.gateway.seen.content import Content
from claif_cla.gateway.seen.labels import Labels
from claif_cla.gateway.seen.otel_metrics import OtelMetrics
from claif_cla.gateway.seen.redaction import Redactor
from claif_cla.gateway.visit import Visit

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config

__all__ = ["Tracing"]

_ROUTES = {
    endpoint.name: endpoint.path + ("{model}" if endpoint.path.endswith("/") else "")
    for endpoint in ENDPOINTS
}
_UNTRACED = frozenset({"health", "ready", "metrics"})
"""What is asked for every few seconds and tells nothing."""
_METHODS = frozenset("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY".split())
_NAME = "claif_cla.gateway"


class Tracing:
    """See the module.

    Args:
        config: its `telemetry`, and `upstream.base_url`.
        clean: for text that is not the gateway's own.
        labels: bounds the attributes of metrics.
        processor: takes the spans; batches to OTLP unless given.
        reader: reads the metrics; periodically to OTLP unless given.

    Attributes:
        guard: calls what a request does in its middle, and bears that it fails.
    """

    def __init__(
        self,
        config: Config,
        clean: Redactor,
        labels: Labels,
        *,
        processor: SpanProcessor | None = None,
        reader: MetricReader | None = None,
    ) -> None:
        telemetry = config.telemetry
        self._labels, self._with_content = labels, telemetry.content
        self._propagator = TraceContextTextMapPropagator()
        self._tracers = otel.tracers(config, processor) if telemetry.traces else None
        self._tracer: Tracer | None = self._tracers.get_tracer(_NAME) if self._tracers else None
        self._attempts = Attempts(self._tracer, labels) if self._tracer is not None else None
        self.guard: Callable[..., Any] = _called
        self._meters = otel.meters(config, reader) if telemetry.metrics else None
        self._metrics: OtelMetrics | None = None
        if self._meters is not None:
            self._metrics = OtelMetrics(self._meters.get_meter(_NAME), labels, {})
        self.configure(config, clean)

    def configure(self, config: Config, clean: Redactor) -> None:
        """Take another configuration with the same `telemetry`."""
        self._clean, self._content, peer = clean, Content(clean), _peer(config)
        if self._attempts is not None:
            self._attempts.configure(clean, peer)
        if self._metrics is not None:
            self._metrics.peer = peer

    def started(self, visit: Visit, headers: Mapping[str, str]) -> None:
        """Begin the span of a request, in the trace that its headers name."""
        if visit.endpoint in _UNTRACED:
            return
        visit.trace = trace = Trace(self._attempts, self.guard)
        if self._tracer is None:
            return
        method = visit.method if visit.method in _METHODS else "_OTHER"
        route = _ROUTES.get(visit.endpoint)
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "url.scheme": "http",
            "url.path": self._clean(visit.path),
            "client.address": self._clean(visit.client),
            "claif.request.id": visit.id,
        }
        if route is not None:
            attributes["http.route"] = route
        trace.server = self._tracer.start_span(
            f"{method} {route}" if route else method,
            context=self._parent(headers),
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=int(visit.began * 1e9),
        )

    def _parent(self, headers: Mapping[str, str]) -> Context:
        """The caller's place in their trace; what vendors keep beside it, unless a key is in it."""
        if self._clean.finds_key(headers.get("tracestate", "")):
            headers = {**headers, "tracestate": ""}
        return self._propagator.extract(headers)

    def content(self, visit: Visit, request: Any, answer: Any) -> None:
        """Prompt and answer, where that is wanted and the trace is sampled."""
        trace = visit.trace
        if not self._with_content or not isinstance(trace, Trace) or not trace.running:
            return
        told = {
            genai.SYSTEM_INSTRUCTIONS: self._content.system_of(request),
            genai.INPUT_MESSAGES: self._content.input_of(request),
            genai.OUTPUT_MESSAGES: self._content.output_of(answer),
        }
        for name, text in told.items():
            if text is not None:
                trace.running[-1].span.set_attribute(name, text)

    def finished(self, visit: Visit) -> None:
        """End the spans, and count."""
        trace, visit.trace = visit.trace, None  # once
        if not isinstance(trace, Trace):
            return
        try:
            self._end_attempts(visit, trace)
        finally:
            if trace.server is not None:
                self._end_server(visit, trace.server)
        if self._metrics is not None:
            self._metrics.finished(visit, trace.sent_at)

    def _end_attempts(self, visit: Visit, trace: Trace) -> None:
        running, trace.running = trace.running, []
        if self._attempts is not None:
            for attempt in running:
                self.guard(self._attempts.ended, attempt, visit, _end_ns(visit))

    def _end_server(self, visit: Visit, span: Span) -> None:
        try:
            if span.is_recording():
                if visit.status:
                    span.set_attribute("http.response.status_code", visit.status)
                if visit.attempts:
                    span.set_attribute("claif.upstream.attempts", visit.attempts)
                if visit.key is not None:
                    span.set_attribute("claif.key.id", visit.key.id)
                if visit.cost is not None:
                    span.set_attribute("claif.cost_usd", visit.cost / 1_000_000)
                if visit.adapted:
                    span.set_attribute("claif.adapted", self._clean(visit.adapted))
                set_status(span, visit, self._labels, worst=500)
        finally:
            span.end(_end_ns(visit))

    def close(self) -> None:
        """Send what waits, and end, within `otel.CLOSE_SECONDS`."""
        ends = [provider.shutdown for provider in (self._tracers, self._meters) if provider]
        otel.ended(*ends)


def _called(work: Callable[..., Any], *facts: Any) -> Any:
    return work(*facts)


def _end_ns(visit: Visit) -> int | None:
    """The end on the clock of the beginning; now, where it has none."""
    if visit.ended_at is None:
        return None
    return min(int((visit.began + visit.ended_at - visit.started_at) * 1e9), time_ns())


def _peer(config: Config) -> dict[str, str | int]:
    """Where upstream is; an account's own address is not told."""
    if config.upstream.backend == "simulator":
        return {genai.SERVER_ADDRESS: "simulator"}
    url = urlsplit(config.upstream.base_url)
    port = url.port or (80 if url.scheme == "http" else 443)
    return {genai.SERVER_ADDRESS: url.hostname or "", genai.SERVER_PORT: port}
