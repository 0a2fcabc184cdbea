"""The gate: who may in, how much they may use, and what it has cost in the end.

    await gate.admit(visit, credential)                 the door: a key, or 401 and 403
    await gate.reserve(visit, model, request, size)     the limits: headers, or 403, 429 and 503
    await gate.settle(visit)                            the bill: before the answer's last byte

Rates are counted, calls in flight noted and money put aside before anything is sent; when the
request has ended, its real tokens and cost take the place of what was estimated, and the ledger
gets its entry. Whatever fails in settling is logged, and holds up no answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.ledger.entry import Entry
from claif_cla.gateway.limits.answers import denial, headers, no_price, too_large
from claif_cla.gateway.limits.counters import ANONYMOUS, Claim, Counters, Limits, Refused
from claif_cla.gateway.money import Bill, Demand, Prices, bill, demand
from claif_cla.gateway.visit import Usage, Visit

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config
    from claif_cla.gateway.keys.record import Key

__all__ = ["Book", "Gate", "Ring"]

_LOG = logging.getLogger("claif_cla.gateway")

MAX_LIMITS = 10_000
"""Keys whose limits are kept ready; keys are the operator's, so that it is a bound for mistakes."""
_NOTHING = Bill(0, 0, 0, 0, 0, 0, estimated=False)


class Ring(Protocol):
    """The keys; `KeyRing`."""

    @property
    def required(self) -> bool:
        """Whether a request without a key is refused."""
        ...

    def admit(self, credential: str | None, endpoint: str, now: float) -> Key | None:
        """The key that was shown, or a `Denial`."""
        ...


class Book(Protocol):
    """Where entries are written; `Ledger`."""

    def append(self, entry: Entry) -> object:
        """Write one."""
        ...


class _Reserved(NamedTuple):
    claim: Claim
    demand: Demand


class Gate:
    """See the module.

    Args:
        ring: the keys.
        counters: in process or in Redis.
        prices: of the models.
        ledger: takes an entry of every request that was let in.
        config: its `limits` hold for keys that have none of their own, and for callers without.
        wall: Unix seconds; for tests.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        ring: Ring,
        counters: Counters,
        prices: Prices,
        ledger: Book,
        config: Config,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ring, self._counters, self._ledger = ring, counters, ledger
        self._wall = wall
        self._failing: set[str] = set()
        self._prices = prices
        self._by_key: dict[str, tuple[Any, Limits]] = {}
        self._default = Limits()
        self.reload(config, prices)

    def reload(self, config: Config, prices: Prices | None = None) -> None:
        """Take new limits, and new prices if given. Requests in flight keep the limits they have.

        Where the counters are (`cluster`) is read at the start alone.
        """
        limits = config.limits
        self._default = Limits(
            limits.requests_per_minute,
            limits.tokens_per_minute,
            limits.concurrent,
            _millionths(limits.daily_budget),
            _millionths(limits.monthly_budget),
        )
        self._by_key = {}
        if prices is not None:
            self._prices = prices

    def start(self) -> None:
        """Begin what the counters do beside the requests."""
        self._counters.start()

    async def close(self) -> None:
        """Let go of the counters."""
        await self._counters.close()

    @property
    def requires_keys(self) -> bool:
        """Whether a request without a key is refused."""
        return self._ring.required

    async def admit(self, visit: Visit, credential: str | None) -> None:
        """Set `visit.key`; it stays None where no key is needed and none was shown.

        Args:
            visit: with its `endpoint`.
            credential: that was shown, without `Bearer`.

        Raises:
            Denial: 401 or 403.
        """
        visit.key = self._ring.admit(credential, visit.endpoint, visit.began)

    def allows(self, visit: Visit, model: str) -> bool:
        """Whether the caller's key is for this model.

        Args:
            visit: of the request, admitted.
            model: id, or a name that the operator gave one: scopes may be written in either.
        """
        patterns = visit.key.scopes.models if visit.key is not None else ()
        return not patterns or any(fnmatchcase(model, pattern) for pattern in patterns)

    async def reserve(
        self, visit: Visit, model: str, request: Mapping[str, Any], size: int
    ) -> list[tuple[bytes, bytes]]:
        """Put aside what a request will take.

        Args:
            visit: of the request, admitted.
            model: that will be asked, by its id.
            request: the JSON object of its body.
            size: of the body, in bytes.

        Returns:
            `x-ratelimit-…` headers of the key's own limits; none where it has none by the minute.

        Raises:
            Denial: 403 where the key is not for this model, or has a budget and the model no known
                price; 429 over a limit, 503 where the limits can't be checked. Nothing is put aside
                then.
            CancelledError: the caller has left meanwhile.
        """
        self._check_model(visit, model)
        limits = self._limits(visit.key)
        asked = demand(self._prices, model, request, size)
        if asked.cost is None and limits.has_budget and visit.endpoint != "count_tokens":
            raise no_price(model, _whose(visit.key))
        claim = self._claim(visit, limits, asked)
        # Before the wait: a caller who leaves during it is settled too.
        visit.reserved = _Reserved(claim, asked)
        verdict = await self._counters.take(claim)
        if visit.left:  # on Python 3.10 a cancellation is lost while Redis is connected to
            raise asyncio.CancelledError
        if isinstance(verdict, Refused):
            visit.reserved = None
            raise denial(claim, verdict, _whose(visit.key), self._wall())
        return headers(verdict, limits)

    def _check_model(self, visit: Visit, model: str) -> None:
        if visit.key is None or self.allows(visit, model):
            return
        asked = visit.asked_model
        if isinstance(asked, str) and self.allows(visit, asked):
            return
        allowed = ", ".join(f"`{pattern}`" for pattern in visit.key.scopes.models)
        raise Denial(
            403,
            f"{_whose(visit.key)} may not use the model `{model[:200]}`. It is for {allowed}: ask"
            " for one of these, or ask whoever runs this gateway for a key with another scope.",
            code="model_not_allowed",
            kind="permission_error",
            param="model",
        )

    def _limits(self, key: Key | None) -> Limits:
        if key is None:
            return self._default
        known = self._by_key.get(key.id)
        if known is not None and known[0] is key.limits:
            return known[1]
        if len(self._by_key) >= MAX_LIMITS:
            self._by_key.clear()
        own, default = key.limits, self._default
        limits = Limits(
            _first(own.requests_per_minute, default.requests_per_minute),
            _first(own.tokens_per_minute, default.tokens_per_minute),
            _first(own.concurrent, default.concurrent),
            _first(own.daily_budget, default.daily_budget),
            _first(own.monthly_budget, default.monthly_budget),
        )
        self._by_key[key.id] = (own, limits)
        return limits

    def _claim(self, visit: Visit, limits: Limits, asked: Demand) -> Claim:
        key_id = ANONYMOUS if visit.key is None else visit.key.id
        if visit.endpoint == "count_tokens":  # free of charge, and makes no tokens
            return Claim(visit.id, key_id, limits, 0, 0)
        tokens = asked.input_tokens + asked.output_tokens
        most = limits.tokens_per_minute
        if most is not None and tokens > most:
            if asked.input_tokens > most:
                raise too_large(limits, asked.input_tokens, _whose(visit.key))
            # The prompt fits, and the answer may well be short: it may have the whole minute.
            tokens = most
        return Claim(visit.id, key_id, limits, tokens, asked.cost or 0)

    # How it ends

    async def settle(self, visit: Visit) -> None:
        """Tell ledger and counters how a request has ended, and set `visit.cost`.

        The second time, and for requests that were not let in, it does nothing. It raises nothing
        but the cancellation of its task, and then the ledger has been told.
        """
        if visit.settled:
            return
        visit.settled = True
        reserved: _Reserved | None = visit.reserved
        if reserved is None and not visit.usages:
            return
        if visit.left and visit.untold > 0 and visit.endpoint != "count_tokens":
            # Upstream has the prompt, and charges for it, though nobody waits for the answer.
            for number in range(visit.untold):
                visit.usages["untold", number] = Usage(visit.model or "", {})
        total = self._bill(visit, reserved)
        visit.cost = total.cost
        # The ledger first: what it has is never lost, and Redis is told its sums again.
        self._write(visit, total)
        if reserved is not None:
            try:
                await self._counters.give(reserved.claim, total.tokens, total.cost or 0)
            except Exception as error:  # noqa: BLE001 - see the docstring
                self._failed("the limits", error)
            else:
                self._failing.discard("the limits")

    def _bill(self, visit: Visit, reserved: _Reserved | None) -> Bill:
        if not visit.usages:
            return _NOTHING
        try:
            asked = reserved.demand if reserved is not None else None
            return bill(self._prices, visit.usages.values(), asked)
        except Exception as error:  # noqa: BLE001 - see `settle`
            self._failed("the bill", error)
            return _NOTHING if reserved is None else _as_estimated(reserved)

    def _write(self, visit: Visit, total: Bill) -> None:
        key = visit.key
        try:
            self._ledger.append(
                Entry(
                    id=visit.id,
                    at=self._wall(),
                    key="" if key is None else key.id,
                    key_name="" if key is None else key.name,
                    model=_model(visit),
                    endpoint=visit.endpoint,
                    account=visit.account or "",
                    status=visit.status,
                    input=total.input,
                    cache_read=total.cache_read,
                    cache_write_5m=total.cache_write_5m,
                    cache_write_1h=total.cache_write_1h,
                    output=total.output,
                    cost=total.cost,
                    estimated=total.estimated,
                )
            )
        except Exception as error:  # noqa: BLE001 - see `settle`
            self._failed("the ledger", error)
        else:
            self._failing.discard("the ledger")

    def _failed(self, what: str, error: Exception) -> None:
        """Log a failure, the first of several in a row: a full disk fails for every request."""
        if what not in self._failing:
            self._failing.add(what)
            _LOG.error("settling a request failed at %s", what, exc_info=error)


def _model(visit: Visit) -> str:
    for usage in visit.usages.values():
        if usage.model:
            return usage.model
    return visit.model or ""


def _as_estimated(reserved: _Reserved) -> Bill:
    asked = reserved.demand
    return Bill(asked.input_tokens, asked.output_tokens, 0, 0, 0, asked.cost, estimated=True)


def _whose(key: Key | None) -> str:
    if key is None:
        return "Everyone without a key"
    return f"The key `{key.name}` ({key.id})"


def _first(own: int | None, default: int | None) -> int | None:
    return default if own is None else own


def _millionths(dollars: float | None) -> int | None:
    return None if dollars is None else round(dollars * 1_000_000)
