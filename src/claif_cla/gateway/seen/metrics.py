"""Metrics for Prometheus: how many, how long, how much, how it went.

Each label is of a bounded set (see `labels`). A key is no label unless that is wanted: there may be
thousands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from typing_extensions import override

from claif_cla.gateway.seen.labels import Labels, outcome_of, status_of
from claif_cla.gateway.seen.tallies import Tally, Timings
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
_Metric = TypeVar("_Metric", Tally, Timings)


class Metrics:
    """See the module. Each instance has a registry of its own.

    Args:
        config: bounds the labels.
        per_key: whether the ids of keys are labels too.
    """

    def __init__(self, config: Config, *, per_key: bool = False) -> None:
        self.registry = CollectorRegistry()
        self.labels = Labels(config)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._define()
        self._per_key: tuple[Tally, Tally] | None = None
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
        for endpoint in ("chat", "messages"):
            # One refusal may be all: callers do not repeat it. A series that begins with 1 has no
            # rate; this one begins with 0, so that an alert on it hears of the first.
            self._errors.add(0, endpoint, "insufficient_quota", "gateway")
        self._left = counter("disconnects", "Callers who left early.", "endpoint")
        self._chunks = counter("chunks", "Chunks of streams.", "endpoint")
        self._adapted = counter("adapted_requests", "Requests of which something was adapted.")

    def _counter(self, name: str, what: str, *labels: str) -> Tally:
        return self._told(Tally(f"claif_{name}", what, labels))

    def _histogram(self, name: str, what: str, bounds: tuple[float, ...], *labels: str) -> Timings:
        return self._told(Timings(f"claif_{name}", what, bounds, labels))

    def _told(self, metric: _Metric) -> _Metric:
        self.registry.register(metric)
        return metric

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

    def finished(self, visit: Visit) -> None:
        """Count a request that has ended."""
        endpoint, began = self.labels.endpoint(visit.endpoint), visit.started_at
        seconds = (visit.ended_at or began) - began
        stream = "true" if visit.streamed else "false"
        self._requests.add(1, endpoint, status_of(visit.status), stream)
        self._duration.add(seconds, endpoint)
        if visit.first_byte_at is not None:
            self._first.add(visit.first_byte_at - began, endpoint)
        if visit.attempts > 0:
            self._went_up(visit)
            if not visit.streamed:
                self._own.add(max(0.0, seconds - visit.upstream_seconds), endpoint)
        if visit.status >= 400 or visit.code is not None:
            by = "upstream" if visit.attempts > 0 else "gateway"
            self._errors.add(1, endpoint, self.labels.code(visit.code), by)
        if visit.left:
            self._left.add(1, endpoint)
        if visit.chunks > 0:
            self._chunks.add(visit.chunks, endpoint)
        if visit.adapted:
            self._adapted.add(1)
        if visit.usages or visit.cost:
            self._used(visit)
        if self._per_key is not None:
            self._used_by_key(visit, *self._per_key)

    def _went_up(self, visit: Visit) -> None:
        account = self.labels.account(visit.account)
        self._answers.add(1, account, outcome_of(visit))
        self._upstream.add(visit.upstream_seconds, account)
        if visit.attempts > 1:
            self._retries.add(visit.attempts - 1)

    def _used(self, visit: Visit) -> None:
        label = self.labels.model(visit.model)
        for usage in visit.usages.values():
            label, counts = self.labels.model(usage.model), usage.counts
            for kind, name in TOKENS:
                if count := count_of(counts.get(name)):
                    self._tokens.add(count, label, kind)
        if visit.cost is not None and visit.cost > 0:
            self._cost.add(visit.cost / 1_000_000, label)

    def _used_by_key(self, visit: Visit, requests: Tally, cost: Tally) -> None:
        key = self.labels.key(visit)
        requests.add(1, key)
        if visit.cost is not None and visit.cost > 0:
            cost.add(visit.cost / 1_000_000, key)

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its content type.

        Args:
            accept: the header; a scraper that takes OpenMetrics gets that.
        """
        if any(part.partition(";")[0].strip() == _OPEN for part in accept.split(",")):
            page: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return page, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self.registry), _PLAIN


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
