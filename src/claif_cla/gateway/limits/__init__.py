"""How much each key may use: rates, calls at once, and money; in this process, or in Redis.

| module | what it does |
|---|---|
| `counters` | what is counted how, and the verdicts |
| `in_process` | counters of one process |
| `redis_counters` | counters of several, with `scripts` that Redis runs over a `redis_line` |
| `redis_memory` | which Redis it is: one that comes back empty is told all again |
| `answers` | what callers are told: headers, and refusals in words |
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from claif_cla.gateway.limits.counters import (
    ANONYMOUS,
    Claim,
    Counters,
    Limits,
    Refused,
    Standing,
)
from claif_cla.gateway.limits.in_process import InProcessCounters

if TYPE_CHECKING:
    from claif_cla.gateway.config.sections import Cluster

__all__ = [
    "ANONYMOUS",
    "Claim",
    "Counters",
    "InProcessCounters",
    "Limits",
    "Refused",
    "Standing",
    "counters_of",
]


def counters_of(cluster: Cluster, spent: Mapping[str, tuple[int, int]], ledger: Path) -> Counters:
    """The counters of a configuration.

    Args:
        cluster: where they are.
        spent: what each key has spent today and in this month: `Ledger.spent(now)`.
        ledger: its file, beside which its id is kept where Redis is used.

    Raises:
        OSError: the id of the ledger can be neither read nor made.
        ImportError: Redis is asked for and its library is not installed; names the extra.
    """
    local = InProcessCounters({key_id or ANONYMOUS: sums for key_id, sums in spent.items()})
    if cluster.redis_url is None:
        return local
    from claif_cla.gateway.limits.ledger_id import ledger_id  # noqa: PLC0415
    from claif_cla.gateway.limits.redis_counters import RedisCounters  # noqa: PLC0415 - an extra

    return RedisCounters(
        cluster.redis_url.get_secret_value(),
        local,
        ledger_id=ledger_id(ledger),
        prefix=cluster.prefix,
        when_down=cluster.when_redis_is_down,
        timeout=cluster.timeout_seconds,
    )
