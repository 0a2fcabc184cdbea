"""Metrics for Prometheus: how many, how long, how much, how it went.

Each label is of a bounded set (see `labels`). A key is no label unless that is wanted: there may be
thousands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from typing_extensions import override

from claif_cla.gateway.seen.labels import Labels, outcome_of, status_of
from claif_cla.gateway.seen.tokens import TOKENS, count_of
from claif_cla.gateway.visit import Visit

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config

__all__ = ["Metrics"]

_LOG = logging.getLogger("claif_cla.gateway")
_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_OVERHEAD = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
_PLAIN = "text/plain; version=0.0.4; charset=utf-8"
_OPEN = "application/openmetrics-text"
MAX_STATES = 1_000
"""Values of one gauge's label: as many accounts as a configuration may have."""


class Metrics:
    """See the module. Each instance has a registry of its own.

    Args:
        config: bounds the labels.
        per_key: whether the ids of keys are labels too.
    """

    def __init__(self, config: Config, *, per_key: bool = False) -> None:
        self.registry = CollectorRegistry()
        self.labels = Labels(config)
        self._children: dict[Any, Any] = {}
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._define()
        self._per_key: tuple[Counter, Counter] | None = None
        if per_key:
            self._per_key = (
                self._counter("key_requests", "Requests by key.", "key"),
                self._counter("key_cost_usd", "Cost in US dollars by key.", "key"),
            )

    def _define(self) -> None:
        counter, seconds = self._counter, self._histogram
        self._requests = counter("requests", "Requests.", "endpoint", "status", "stream")
        self._duration = seconds("request_seconds", "Whole requests.", _SECONDS, "endpoint")
        self._first = seconds("first_byte_seconds", "To the first byte.", _SECONDS, "endpoint")
        self._upstream = seconds(
            "upstream_seconds", "Waits for the head of upstream's answer.", _SECONDS, "account"
        )
        self._own = seconds(
            "overhead_seconds",
            "Whole answers without the wait for the head of upstream's.",
            _OVERHEAD,
            "endpoint",
        )
        self._tokens = counter("tokens", "Tokens.", "model", "kind")
        self._cost = counter("cost_usd", "Cost in US dollars.", "model")
        self._answers = counter(
            "upstream_answers", "How the last attempt ended.", "account", "outcome"
        )
        self._retries = counter("upstream_retries", "Requests sent upstream beyond the first.")
        self._errors = counter(
            "errors", "Errors, by who found them: gateway or upstream.", "endpoint", "code", "by"
        )
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
            value: cheap; where it raises, the page says NaN.

        Raises:
            ValueError: there is one of that name.
        """
        gauge = Gauge(f"claif_{name}", what, registry=self.registry)
        gauge.set_function(lambda: _asked(name, value, float("nan")))

    def gauges(
        self, name: str, what: str, label: str, values: Callable[[], Iterable[tuple[str, float]]]
    ) -> None:
        """Figures of one kind, such as one for each account.

        Args:
            name: without the prefix `claif_`.
            what: for people.
            label: what tells them apart.
            values: each label's value with its figure; cheap. Where it raises there are none.
        """
        self.registry.register(_States(f"claif_{name}", what, label, values))

    def _at(self, metric: Any, *labels: str) -> Any:
        """A metric's child; looking it up in the library takes a lock and checks."""
        found = self._children.get((metric, labels))
        if found is None:
            found = self._children[metric, labels] = metric.labels(*labels)
        return found

    def finished(self, visit: Visit) -> None:
        """Count a request that has ended."""
        endpoint, at = self.labels.endpoint(visit.endpoint), self._at
        seconds = (visit.ended_at or visit.started_at) - visit.started_at
        stream = "true" if visit.streamed else "false"
        at(self._requests, endpoint, status_of(visit.status), stream).inc()
        at(self._duration, endpoint).observe(seconds)
        if visit.first_byte_at is not None:
            at(self._first, endpoint).observe(visit.first_byte_at - visit.started_at)
        if visit.attempts > 0:
            self._went_up(visit)
            if not visit.streamed:
                at(self._own, endpoint).observe(max(0.0, seconds - visit.upstream_seconds))
        if visit.status >= 400 or visit.code is not None:
            by = "upstream" if visit.attempts > 0 else "gateway"
            at(self._errors, endpoint, self.labels.code(visit.code), by).inc()
        if visit.left:
            at(self._left, endpoint).inc()
        if visit.chunks > 0:
            at(self._chunks, endpoint).inc(visit.chunks)
        if visit.adapted:
            self._adapted.inc()
        if visit.usages or visit.cost:
            self._used(visit)
        if self._per_key is not None:
            self._used_by_key(visit, *self._per_key)

    def _went_up(self, visit: Visit) -> None:
        account = self.labels.account(visit.account)
        self._at(self._answers, account, outcome_of(visit)).inc()
        self._at(self._upstream, account).observe(visit.upstream_seconds)
        if visit.attempts > 1:
            self._retries.inc(visit.attempts - 1)

    def _used(self, visit: Visit) -> None:
        label = self.labels.model(visit.model)
        for usage in visit.usages.values():
            label = self.labels.model(usage.model)
            for kind, name in TOKENS:
                count = count_of(usage.counts.get(name))
                if count:
                    self._at(self._tokens, label, kind).inc(count)
        if visit.cost is not None and visit.cost > 0:
            self._at(self._cost, label).inc(visit.cost / 1_000_000)

    def _used_by_key(self, visit: Visit, requests: Counter, cost: Counter) -> None:
        key = self.labels.key(visit)
        self._at(requests, key).inc()
        if visit.cost is not None and visit.cost > 0:
            self._at(cost, key).inc(visit.cost / 1_000_000)

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its content type.

        Args:
            accept: the header; a scraper that takes OpenMetrics gets that.
        """
        if any(part.partition(";")[0].strip() == _OPEN for part in accept.split(",")):
            page: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return page, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(_WithoutBirths(self.registry)), _PLAIN


def _asked(name: str, value: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return value()
    except Exception as error:  # noqa: BLE001 - one figure must not take the page along
        _LOG.warning("the metric %s cannot be told: %s", name, type(error).__name__)
        return otherwise


class _States(Collector):
    """Gauges that are asked for whenever the page is."""

    def __init__(
        self, name: str, what: str, label: str, values: Callable[[], Iterable[tuple[str, float]]]
    ) -> None:
        self._name, self._what, self._label, self._values = name, what, label, values

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._what, labels=[self._label])
        found = _asked(self._name, lambda: list(islice(self._values(), MAX_STATES)), [])
        for value, figure in found:
            family.add_metric([value], float(figure))
        yield family


class _WithoutBirths(Collector):
    """A registry without the moments at which each series began.

    Only OpenMetrics has a place for them; in plain text they would be as many gauges again.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    @override
    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [
                sample for sample in family.samples if not sample.name.endswith("_created")
            ]
            yield family
