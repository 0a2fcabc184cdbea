"""An error of upstream's on its way to the caller, without keys in it.

Anthropic's API quotes none. What stands between may: there are proxies that answer with all that
they were sent, and what they were sent has the account's key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from claif_cla.gateway.upstream.accounts import Account
from claif_cla.gateway.upstream.exchange import PeekedExchange

__all__ = ["MAX_ERROR_BYTES", "CleanedError"]

MAX_ERROR_BYTES = 1024 * 1024
"""Bound of an error's body; the rest is not read."""
_ANY_KEY = rb"(?<![A-Za-z0-9])sk-[\w-]{6,}"
"""Also a key that is not ours: it is not the caller's to see either."""
_SHORTEST = 6
"""Characters of a key below which it is none, and may stand in any word."""
_BLOT = b"***"


class CleanedError:
    """An `AsyncExchange` whose body is read whole before it is told.

    Args:
        exchange: with an error, handed on.
        accounts: whose keys may be in it.
    """

    __slots__ = ("_exchange", "_is_read", "_keys", "headers", "status")

    def __init__(self, exchange: PeekedExchange, accounts: Iterable[Account]) -> None:
        self._exchange, self._is_read = exchange, False
        self.status, self.headers = exchange.status, exchange.headers
        secrets = [_secret_of(account) for account in accounts]
        known = [re.escape(secret.encode()) for secret in secrets if len(secret) >= _SHORTEST]
        self._keys = re.compile(b"|".join([*known, _ANY_KEY]))

    async def read(self) -> bytes:
        """The whole body at first, then nothing; raises `UpstreamFailure`."""
        if self._is_read:
            return b""
        self._is_read = True
        pieces: list[bytes] = []
        size = 0
        while size < MAX_ERROR_BYTES and (piece := await self._exchange.read()):
            size += len(piece)
            pieces.append(piece)
        return self._keys.sub(_BLOT, b"".join(pieces))

    async def close(self) -> None:
        await self._exchange.close()


def _secret_of(account: Account) -> str:
    return account.headers.get("authorization", "").removeprefix("Bearer ")
