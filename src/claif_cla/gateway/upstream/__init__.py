"""The way upstream: accounts, attempts, times; and what is told where no answer comes.

| module | what it does |
|---|---|
| `upstream` | `Upstream`: the course of one request, with its attempts |
| `accounts` | whose turn it is, and who cools down |
| `trouble` | which answers are tried again |
| `readiness` | whether upstream can be reached |
| `exchange` | what the wires below have in common |
| `aiohttp_wire`, `aiohttp_exchange`, `large_body` | HTTP |
| `simulated` | the simulator |
| `cleaned_error` | upstream's errors, without keys in them |
| `errors` | what the caller is told where there is no answer |
"""

from __future__ import annotations

from claif_cla.gateway.upstream.upstream import Upstream

__all__ = ["Upstream"]
