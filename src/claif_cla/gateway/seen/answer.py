"""What an answer's headers tell of its request."""

from __future__ import annotations

import re
from time import perf_counter

from claif_cla.gateway.visit import Visit

__all__ = ["answer_headers"]

_PLAIN = re.compile(r"[!-~]{1,200}")
"""A model's name that may stand in a header: it may be the caller's own text."""


def answer_headers(visit: Visit) -> list[tuple[bytes, bytes]]:
    """`x-claif-…` headers; what is not known yet, when a stream starts, is left out.

    `x-claif-overhead-ms` is the time that the gateway itself has taken so far: all of it but the
    wait for the head of upstream's answer. The account stays the operator's own business.
    """
    told = [(b"x-claif-request-id", visit.id.encode())]
    # A comment begins a stream while upstream still thinks: that time is not the gateway's own.
    if visit.status or visit.usages or not visit.streamed:
        so_far = perf_counter() - visit.started_at
        own = max(0.0, so_far - visit.upstream_seconds)
        told += (
            (b"x-claif-upstream-ms", b"%.1f" % (visit.upstream_seconds * 1000)),
            (b"x-claif-overhead-ms", b"%.1f" % (own * 1000)),
        )
    model = visit.model
    if isinstance(model, str) and _PLAIN.fullmatch(model):
        told.append((b"x-claif-model", model.encode()))
    if visit.settled and visit.cost is not None:
        told.append((b"x-claif-cost-usd", b"%.6f" % (visit.cost / 1_000_000)))
    return told
