"""The accounts that requests go to: whose turn it is, and who is left alone for a while.

Turns are taken by smooth weighted round robin: with weights 3 and 1 it is A A B A, not A A A B. An
account that refused or failed cools down meanwhile. If all do, the one that is free soonest is
asked all the same: its answer tells the caller more than any of ours could.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claif_cla.gateway.config.sections import Account as AccountConfig
    from claif_cla.gateway.upstream.exchange import Trouble

__all__ = ["Account", "Accounts", "accounts_of"]

_LOG = logging.getLogger("claif_cla.gateway.upstream")

LIMITED_SECONDS = 5.0
"""Cool-down after a 429 that tells no `retry-after`: some way into the minute that limits count."""
MAX_LIMITED_SECONDS = 300.0
"""Bound of what `retry-after` may ask for: a day's quota must not hide that it was raised."""
REFUSED_SECONDS: Mapping[int, float] = {401: 300.0, 402: 300.0, 403: 60.0}
"""After a refusal of the account. Shorter for 403: it may be for one model only."""
FAILED_SECONDS = 1.0
MAX_FAILED_SECONDS = 30.0
"""First and longest cool-down after failures; each one in a row doubles it."""
MAX_STREAK = 10
"""Failures in a row that are counted: enough for the longest cool-down."""


@dataclass(slots=True, eq=False)
class Account:
    """One account and how it fares. `repr` shows neither key nor address.

    Attributes:
        name: for metrics and logs.
        root: the API root without a trailing slash.
        headers: those that upstream knows it by.
        weight: its share of the requests.
    """

    name: str
    root: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    weight: int = 1
    free_at: float = 0.0
    streak: int = 0
    told: bool = False
    turn: int = 0

    def is_same(self, other: Account) -> bool:
        """Whether what is known of one holds for the other."""
        mine = (self.name, self.root, self.headers)
        return mine == (other.name, other.root, other.headers)


def accounts_of(configured: Iterable[AccountConfig], base_url: str) -> list[Account]:
    """The configured accounts.

    Args:
        configured: with their secrets read.
        base_url: of those that have none of their own.

    Raises:
        ValueError: there is none.
        LookupError: one has no key.
    """
    accounts = []
    for each in configured:
        root = (each.base_url or base_url).rstrip("/")
        accounts.append(Account(each.name, root, dict([each.header]), each.weight))
    if not accounts:
        raise ValueError(
            "no account for upstream: set ANTHROPIC_API_KEY, add [[accounts]] to the"
            ' configuration, or try `upstream.backend = "simulator"`, which needs none'
        )
    return accounts


class Accounts:
    """See the module.

    Args:
        accounts: at least one.
        clock: seconds that only go forward.
    """

    def __init__(
        self, accounts: Sequence[Account], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = list(accounts)
        self._clock = clock

    def renewed(self, accounts: Sequence[Account]) -> Accounts:
        """The same with other accounts; those that stay keep what is known of them."""
        for new in accounts:
            old = next((old for old in self._accounts if old.is_same(new)), None)
            if old is not None:
                new.free_at, new.streak, new.told = old.free_at, old.streak, old.told
        return Accounts(accounts, self._clock)

    def first(self, preferred: str | None = None) -> Account:
        """Whose turn it is.

        Args:
            preferred: the name of the account that served this caller's request before: caches,
                containers and files are of one account.
        """
        accounts = self._accounts
        if len(accounts) == 1:
            return accounts[0]
        now = self._clock()
        free = [account for account in accounts if account.free_at <= now]
        if preferred is not None:
            for account in free:
                if account.name == preferred:
                    return account
        return _turn(free) if free else min(accounts, key=_free_at)

    def another(self, than: Account) -> Account | None:
        """Whose turn it is besides this one; None where nobody else is free at once."""
        now = self._clock()
        free = [one for one in self._accounts if one.free_at <= now and one is not than]
        return _turn(free) if free else None

    def went_well(self, account: Account) -> None:
        """It answered."""
        if account.streak or account.told:
            account.streak, account.told = 0, False

    def went_wrong(self, account: Account, trouble: Trouble) -> None:
        """Leave it alone for as long as it takes."""
        now = self._clock()
        seconds = self._seconds(account, trouble, is_cooling=now < account.free_at)
        account.free_at = max(account.free_at, now + seconds)
        if trouble.status in REFUSED_SECONDS:
            if not account.told:
                account.told = True
                _LOG.warning(
                    "upstream refuses the account %s with status %d: look at its key",
                    account.name,
                    trouble.status,
                )
        elif seconds:
            why = f"status {trouble.status}" if trouble.status else "a failed connection"
            _LOG.info("account %s is left alone for %.1f s after %s", account.name, seconds, why)

    @staticmethod
    def _seconds(account: Account, trouble: Trouble, *, is_cooling: bool) -> float:
        status = trouble.status
        if status in REFUSED_SECONDS:
            return REFUSED_SECONDS[status]
        if status == 429:
            wait = LIMITED_SECONDS if trouble.wait is None else trouble.wait
            return min(wait, MAX_LIMITED_SECONDS)
        if status in (408, 409) or not (status or trouble.again):
            return 0.0  # of the request, or of the gateway; not of the account
        if is_cooling:  # one of many requests that failed together: that is one failure
            return 0.0
        account.streak = min(account.streak + 1, MAX_STREAK)
        if trouble.reset and account.streak == 1:
            return 0.0  # a kept connection that upstream has closed meanwhile breaks like this
        grown = FAILED_SECONDS * 2.0 ** (account.streak - 1)
        return min(max(grown, trouble.wait or 0.0), MAX_FAILED_SECONDS)

    def state(self) -> list[tuple[str, bool]]:
        """Each account's name, and whether it cools down."""
        now = self._clock()
        return [(account.name, now < account.free_at) for account in self._accounts]

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts)


def _free_at(account: Account) -> float:
    return account.free_at


def _turn(accounts: Sequence[Account]) -> Account:
    """Smooth weighted round robin: who has waited the most of its weight."""
    chosen, total = accounts[0], 0
    for account in accounts:
        account.turn += account.weight
        total += account.weight
        if account.turn > chosen.turn:
            chosen = account
    chosen.turn -= total
    return chosen
