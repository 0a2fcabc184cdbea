"""Counters and histograms that one thread counts in plain numbers.

The library's own take a lock and check themselves at each of a dozen changes a request: a tenth of
the gateway's own time. All that counts here runs in the event loop, and so does the page; the
library says how it is spelled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from typing_extensions import override

__all__ = ["Tally", "Timings"]


class Tally(Collector):
    """A counter. One without labels is there from the beginning.

    Args:
        name: with its prefix, without `_total`.
        what: for people.
        labels: names.
    """

    def __init__(self, name: str, what: str, labels: Sequence[str]) -> None:
        self._name, self._what, self._labels = name, what, labels
        self._values: dict[tuple[str, ...], float] = {} if labels else {(): 0.0}

    def add(self, count: float, *labels: str) -> None:
        """Count; never less than nothing."""
        self._values[labels] = self._values.get(labels, 0.0) + count

    @override
    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._what, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        yield family


class Timings(Collector):
    """A histogram of seconds.

    Args:
        name, what, labels: as of `Tally`.
        bounds: of its buckets, in rising order; what is beyond the last counts in none of them.
    """

    def __init__(
        self, name: str, what: str, bounds: Sequence[float], labels: Sequence[str]
    ) -> None:
        self._name, self._what, self._labels, self._bounds = name, what, labels, bounds
        self._names = [*map(floatToGoString, bounds), "+Inf"]
        self._rows: dict[tuple[str, ...], list[float]] = {}

    def add(self, seconds: float, *labels: str) -> None:
        """Count one."""
        row = self._rows.get(labels)
        if row is None:  # the count of each bucket, of those beyond, and the sum of all
            row = self._rows[labels] = [0.0] * (len(self._bounds) + 2)
        row[bisect_left(self._bounds, seconds)] += 1
        row[-1] += seconds

    @override
    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._what, labels=self._labels)
        for labels, row in self._rows.items():
            so_far, buckets = 0.0, []
            for name, count in zip(self._names, row, strict=False):
                so_far += count
                buckets.append((name, so_far))
            family.add_metric(labels, buckets, row[-1])
        yield family
