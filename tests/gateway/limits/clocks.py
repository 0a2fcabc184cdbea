"""A clock that the tests set."""

from __future__ import annotations

from claif_cla.gateway.limits import Claim, InProcessCounters, Limits

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC


class Clock:
    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now


def counters(clock, spent=None, **options):
    return InProcessCounters(spent, monotonic=clock, wall=clock, **options)


class Claims:
    """Claims with ids of their own."""

    def __init__(self, prefix="visit"):
        self._prefix, self._made = prefix, 0

    def __call__(self, limits=None, tokens=0, cost=0, key_id="key"):
        self._made += 1
        return Claim(f"{self._prefix}{self._made}", key_id, limits or Limits(), tokens, cost)
