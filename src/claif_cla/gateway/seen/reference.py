"""What is seen of the gateway, as Markdown tables for its documentation.

The names are those that an example tells; a name without a meaning below ends in a KeyError. The
spans need the extra `otel`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from claif_cla.gateway.config import Config
from claif_cla.gateway.keys.record import Key
from claif_cla.gateway.seen.access_log import fields
from claif_cla.gateway.seen.labels import Labels
from claif_cla.gateway.seen.metrics import Metrics
from claif_cla.gateway.seen.redaction import redacted
from claif_cla.gateway.visit import Usage, Visit

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric
    from opentelemetry.sdk.trace import ReadableSpan

    from claif_cla.gateway.seen.tracing import Tracing

__all__ = ["log_reference", "metrics_reference", "otel_metrics_reference", "spans_reference"]

LOG_FIELDS = {
    "time": "When it came, UTC.",
    "id": "The request's name, as in `x-claif-request-id`.",
    "client": "The peer's address; behind `server.trusted_proxies` the one that they name.",
    "method": "Of HTTP.",
    "path": "Without the query.",
    "endpoint": "`chat`, `messages`, `count_tokens`, `models`, `model`, `health`, `ready`,"
    " `metrics`, `openapi`, or `none`.",
    "status": "Of the answer; 499 if the caller left before there was one.",
    "code": "Of the error.",
    "key": "The id of the key.",
    "key_name": "Its name.",
    "asked_model": "The caller's own name for the model.",
    "model": "What it stands for.",
    "account": "The upstream account that was asked last.",
    "attempts": "Requests sent upstream.",
    "stream": "Whether a stream was asked for.",
    "ms": "Milliseconds, in all.",
    "upstream_ms": "Of these, waiting for the heads of upstream's answers.",
    "first_byte_ms": "Until the first byte of the answer.",
    "bytes_in": "Of the request's body.",
    "bytes_out": "Of the answer's.",
    "chunks": "Of a stream of Chat Completions.",
    "input_tokens": "Neither read from the cache nor written to it.",
    "output_tokens": "Of the answer, with thinking.",
    "cache_read_tokens": "Read from the cache.",
    "cache_write_tokens": "Written to it.",
    "cost_usd": "US dollars; null where the price is unknown.",
    "adapted": "As in `x-claif-adapted`.",
    "left": "Whether the caller left before the end.",
}
ATTRIBUTES = {
    "http.request.method": "`_OTHER` if HTTP knows no such method.",
    "http.route": "The endpoint's path.",
    "http.response.status_code": "Of the answer, to the caller or from upstream.",
    "http.request.resend_count": "From the second attempt on.",
    "url.scheme": "`http`.",
    "url.path": "Without the query.",
    "client.address": "The peer's.",
    "server.address": "The host of `upstream.base_url`.",
    "server.port": "Its port.",
    "error.type": "The code of the error, or the status.",
    "gen_ai.operation.name": "`chat` or `count_tokens`.",
    "gen_ai.provider.name": "`anthropic`.",
    "gen_ai.request.model": "The model that the request's name stands for.",
    "gen_ai.request.stream": "Whether a stream was asked for.",
    "gen_ai.response.model": "The model that answered.",
    "gen_ai.response.time_to_first_chunk": "Seconds from sending it, for a stream.",
    "gen_ai.usage.input_tokens": "With those of the cache.",
    "gen_ai.usage.output_tokens": "With thinking.",
    "gen_ai.usage.cache_read.input_tokens": "Read from the cache.",
    "gen_ai.usage.cache_creation.input_tokens": "Written to it.",
    "gen_ai.input.messages": "The conversation, with `telemetry.content` only.",
    "gen_ai.output.messages": "A whole answer, with `telemetry.content` only.",
    "gen_ai.system_instructions": "With `telemetry.content` only.",
    "claif.request.id": "As in `x-claif-request-id`.",
    "claif.key.id": "The caller's key.",
    "claif.cost_usd": "US dollars.",
    "claif.adapted": "As in `x-claif-adapted`.",
    "claif.upstream.attempts": "Requests sent upstream.",
    "claif.upstream.attempt": "Which of them this is, from 1.",
    "claif.upstream.account": "The account that was asked.",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = [*head]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def metrics_reference(metrics: Metrics) -> str:
    """A row for each metric of Prometheus.

    Args:
        metrics: of a whole gateway, with `per_key`; an example is counted in it.
    """
    for streamed in (False, True):
        metrics.finished(_example(streamed=streamed))
    rows = []
    for family in metrics.registry.collect():
        if not family.name.startswith("claif_"):
            continue  # the library's own, of the process
        labels = {name: None for sample in family.samples for name in sample.labels}
        labels.pop("le", None)
        name = family.name + ("_total" if family.type == "counter" else "")
        told = ", ".join(f"`{label}`" for label in labels) or "–"
        rows.append((f"`{name}`", family.type, told, family.documentation))
    return table(("metric", "type", "labels", "meaning"), sorted(rows))


def log_reference() -> str:
    """A row for each field of the access log."""
    rows = [(f"`{name}`", LOG_FIELDS[name]) for name in fields(_example())]
    return table(("field", "meaning"), rows)


def spans_reference() -> str:
    """A row for each attribute of the spans."""
    kinds = {"SERVER": "the request", "CLIENT": "an attempt"}
    found: dict[str, set[str]] = {}
    for span in _traced()[0]:
        for name in span.attributes or ():
            found.setdefault(name, set()).add(kinds[span.kind.name])
    rows = [
        (f"`{name}`", ", ".join(sorted(found[name], reverse=True)), ATTRIBUTES[name])
        for name in sorted(found)
    ]
    return table(("attribute", "of the span of", "meaning"), rows)


def otel_metrics_reference() -> str:
    """A row for each metric of OpenTelemetry."""
    rows = [
        (f"`{metric.name}`", f"`{metric.unit}`", metric.description or "")
        for metric in _traced()[1]
    ]
    return table(("metric", "unit", "meaning"), sorted(rows))


class _Answer:
    status = 200


_ANSWER: Any = _Answer()


def _example(**facts: Any) -> Visit:
    """A visit of which there is everything to tell."""
    visit = Visit("req_0123456789abcdef01234567", "POST", "/v1/chat/completions", "chat")
    visit.key, visit.account, visit.attempts = Key("key_abcdefabcdef", "a", 0.0), "default", 2
    visit.asked_model, visit.model, visit.streamed = "sonnet", "claude-sonnet-4-6", True
    visit.status, visit.code, visit.left, visit.adapted = 200, "api_error", True, "seed"
    visit.first_byte_at, visit.ended_at = visit.started_at + 0.2, visit.started_at + 0.4
    counts = dict.fromkeys(
        (
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ),
        5,
    )
    visit.usages = {_ANSWER: Usage("claude-sonnet-4-6", counts)}
    visit.cost, visit.chunks = 5, 3
    for name, value in facts.items():
        setattr(visit, name, value)
    return visit


def _traced() -> tuple[Iterable[ReadableSpan], Iterable[Metric]]:
    """The spans and metrics of two examples, from their beginning to their end."""
    # Late: they need the extra.
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415
        InMemorySpanExporter,
    )

    from claif_cla.gateway.seen.tracing import Tracing  # noqa: PLC0415

    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    telemetry = {"traces": True, "metrics": True, "content": True}
    config = Config.model_validate({"telemetry": telemetry})
    processor = SimpleSpanProcessor(exporter)
    tracing = Tracing(config, redacted, Labels(config), processor=processor, reader=reader)
    for code in ("api_error", None):  # of an error some metrics are not told
        _trace(tracing, _example(attempts=0, code=code, left=False))
    found = reader.get_metrics_data()
    metrics = [
        metric
        for resource in (found.resource_metrics if found is not None else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]
    return exporter.get_finished_spans(), metrics


def _trace(tracing: Tracing, visit: Visit) -> None:
    messages = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    said = {"message": {"role": "assistant", "content": "c"}, "finish_reason": "stop"}
    tracing.started(visit, {})
    for _ in range(2):
        visit.trace.came(visit.trace.attempt(visit, "POST", "default"), _ANSWER, None)
        visit.attempts += 1
    tracing.content(visit, {"messages": messages}, {"choices": [said]})
    tracing.finished(visit)
