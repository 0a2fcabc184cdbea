"""OpenTelemetry's providers: exporters, batches, sampling, each with its bound.

They are the gateway's own: the process-wide ones, which a library may have set, stay as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import TYPE_CHECKING

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from claif_cla.gateway.seen import genai

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config

__all__ = ["CLOSE_SECONDS", "ended", "meters", "tracers"]

CLOSE_SECONDS = 2.0
"""How long the end of the process waits for the collector."""
MAX_WAITING_SPANS = 4_096
"""Spans that wait for the collector; of more, the oldest are dropped. About 8 MB."""
MAX_WAITING_CONTENT = 256
"""The same where they hold content: 50 MB at the worst, with three times `MAX_CONTENT` each."""
CONTENT_BATCH = 32
"""Spans with content in one request: collectors take 20 MB, and half of the spans have none."""
_SERVICE = "claif-gateway"
# The buckets that the conventions advise.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10)
_TOKEN_TIME = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
_TOKENS = tuple(float(4**power) for power in range(14))
BUCKETS = {
    genai.CLIENT_DURATION: _SECONDS,
    genai.CLIENT_FIRST_CHUNK: _FIRST,
    genai.CLIENT_TOKENS: _TOKENS,
    genai.SERVER_DURATION: _SECONDS,
    genai.SERVER_FIRST_TOKEN: _FIRST,
    genai.SERVER_TOKEN_TIME: _TOKEN_TIME,
}


def tracers(config: Config, processor: SpanProcessor | None = None) -> TracerProvider:
    """What makes spans.

    Args:
        config: its `telemetry`.
        processor: takes the spans; batches to OTLP over HTTP unless given.
    """
    telemetry = config.telemetry
    provider = TracerProvider(
        # A caller who traces decides; of the others a share is traced.
        sampler=ParentBased(TraceIdRatioBased(telemetry.sample)),
        resource=_resource(),
        shutdown_on_exit=False,  # `ended` does it, within a bound
    )
    if processor is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        exporter = OTLPSpanExporter(endpoint=_url(telemetry.endpoint, "traces"))
        processor = _batches(exporter, content=telemetry.content)
    provider.add_span_processor(processor)
    return provider


def _batches(exporter: SpanExporter, *, content: bool) -> SpanProcessor:
    if not content:
        return BatchSpanProcessor(exporter, max_queue_size=MAX_WAITING_SPANS)
    return BatchSpanProcessor(
        exporter, max_queue_size=MAX_WAITING_CONTENT, max_export_batch_size=CONTENT_BATCH
    )


def meters(config: Config, reader: MetricReader | None = None) -> MeterProvider:
    """What makes metrics.

    Args:
        config: its `telemetry`.
        reader: reads them; a minute's at a time to OTLP over HTTP unless given.
    """
    if reader is None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
            OTLPMetricExporter,
        )

        exporter = OTLPMetricExporter(endpoint=_url(config.telemetry.endpoint, "metrics"))
        reader = PeriodicExportingMetricReader(exporter)
    views = [
        View(
            instrument_name=name, aggregation=ExplicitBucketHistogramAggregation(boundaries=buckets)
        )
        for name, buckets in BUCKETS.items()
    ]
    return MeterProvider(
        metric_readers=[reader], resource=_resource(), views=views, shutdown_on_exit=False
    )


def _url(endpoint: str | None, signal: str) -> str | None:
    """Where a signal goes; None leaves it to `OTEL_EXPORTER_OTLP_*`."""
    return None if endpoint is None else f"{endpoint.rstrip('/')}/v1/{signal}"


def _resource() -> Resource:
    """Who tells it. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win."""
    try:
        number = version("claif_cla")
    except PackageNotFoundError:  # run from its sources
        number = "unknown"
    ours = Resource.create({SERVICE_NAME: _SERVICE, SERVICE_VERSION: number})
    return ours.merge(OTELResourceDetector().detect())


def ended(*ends: Callable[[], object]) -> None:
    """Carry out what flushes and ends, for `CLOSE_SECONDS` at most: a collector may be gone.

    All at once: the spans' collector that is stuck does not keep the metrics from theirs.
    """
    threads = [threading.Thread(target=end, name="telemetry-end", daemon=True) for end in ends]
    until = monotonic() + CLOSE_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))
