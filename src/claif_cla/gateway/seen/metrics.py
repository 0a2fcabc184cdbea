"""Metrics for Prometheus. Each label's values are bounded: callers can invent none.

Models are those of the catalogue, or `other`; accounts those of the configuration; endpoints those
of the table. Keys are no label: there may be thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from claif_cla.catalog.model_info import lookup
from claif_cla.gateway.visit import Visit

__all__ = ["Metrics", "label_of"]

_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_OVERHEAD = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
_TOKENS = (
    ("input", "input_tokens"),
    ("output", "output_tokens"),
    ("cache_read", "cache_read_input_tokens"),
    ("cache_write", "cache_creation_input_tokens"),
)
_CODES = 64
"""Codes of errors that get a label of their own; the upstream's are a dozen."""


@lru_cache(maxsize=512)
def label_of(model: str | None) -> str:
    """A model's label."""
    if not model:
        return "none"
    info = lookup(model)
    return info.id if info.known else "other"


class Metrics:
    """See the module. Each instance has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[Any, Any] = {}
        self._codes: set[str] = set()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        counter, seconds = self._counter, self._histogram
        self._requests = counter("requests", "Requests.", "endpoint", "status", "stream")
        self._duration = seconds("request_seconds", "Whole requests.", _SECONDS, "endpoint")
        self._first = seconds("first_byte_seconds", "To the first byte.", _SECONDS, "endpoint")
        self._upstream = seconds("upstream_seconds", "Waits for upstream.", _SECONDS, "account")
        self._own = seconds("overhead_seconds", "The gateway's share.", _OVERHEAD, "endpoint")
        self._tokens = counter("tokens", "Tokens.", "model", "kind")
        self._cost = counter("cost_usd", "Cost in US dollars.", "model")
        self._attempts = counter("upstream_attempts", "Requests sent.", "account")
        self._errors = counter("errors", "Answers with an error.", "endpoint", "code")
        self._left = counter("disconnects", "Callers who left early.", "endpoint")
        self._chunks = counter("chunks", "Chunks of streams.", "endpoint")
        self._adapted = counter("adapted_requests", "Requests of which something was adapted.")

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"claif_{name}", what, labels, registry=self.registry)

    def _histogram(
        self, name: str, what: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(f"claif_{name}", what, labels, buckets=buckets, registry=self.registry)

    def gauge(self, name: str, what: str, value: Callable[[], float]) -> None:
        """A figure that is asked for whenever the page is.

        Args:
            name: without the prefix `claif_`.
            what: for people.
            value: cheap, and never raises.
        """
        Gauge(f"claif_{name}", what, registry=self.registry).set_function(value)

    def _at(self, metric: Any, *labels: str) -> Any:
        """A metric's child; looking it up in the library takes a lock and checks."""
        found = self._children.get((metric, labels))
        if found is None:
            found = self._children[metric, labels] = metric.labels(*labels)
        return found

    def finished(self, visit: Visit) -> None:
        """Count a request that has ended."""
        endpoint, at = visit.endpoint, self._at
        seconds = (visit.ended_at or visit.started_at) - visit.started_at
        stream = "true" if visit.streamed else "false"
        at(self._requests, endpoint, str(visit.status), stream).inc()
        at(self._duration, endpoint).observe(seconds)
        if visit.first_byte_at is not None:
            at(self._first, endpoint).observe(visit.first_byte_at - visit.started_at)
        if visit.attempts:
            account = visit.account or "none"
            at(self._attempts, account).inc(visit.attempts)
            at(self._upstream, account).observe(visit.upstream_seconds)
            if not visit.streamed:
                at(self._own, endpoint).observe(max(0.0, seconds - visit.upstream_seconds))
        if visit.status >= 400 or visit.code is not None:
            at(self._errors, endpoint, self._code(visit)).inc()
        if visit.left:
            at(self._left, endpoint).inc()
        if visit.chunks:
            at(self._chunks, endpoint).inc(visit.chunks)
        if visit.adapted:
            self._adapted.inc()
        self._used(visit)

    def _used(self, visit: Visit) -> None:
        label = "none"
        for usage in visit.usages.values():
            label = label_of(usage.model)
            for kind, name in _TOKENS:
                count = usage.counts.get(name)
                if isinstance(count, int) and count > 0:
                    self._at(self._tokens, label, kind).inc(count)
        if visit.cost:
            self._at(self._cost, label).inc(visit.cost / 1_000_000)

    def _code(self, visit: Visit) -> str:
        code = visit.code or "none"
        if code not in self._codes:
            if len(self._codes) >= _CODES or not code.isidentifier() or len(code) > 60:
                return "other"
            self._codes.add(code)
        return code

    def page(self) -> tuple[bytes, str]:
        """The page and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
