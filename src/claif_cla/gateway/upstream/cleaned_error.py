"""An error of upstream's on its way to the caller, without keys in it.

Anthropic's API quotes none. What stands between may: there are proxies that answer with all that
they were sent, and what they were sent has the account's key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from claif_cla.gateway.upstream.accounts import Account
from claif_cla.gateway.upstream.exchange import PeekedExchange

__all__ = ["MAX_ERROR_BYTES", "CleanedError", "KeyRedactor"]

MAX_ERROR_BYTES = 1024 * 1024
"""Bound of an error's body; the rest is not read."""
_ANY_KEY = (
    # No key begins in the middle of a word, but one may follow an escape: `\n` in JSON, `%20`.
    rb"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f]{2}))"
    rb"(?:sk-[\w-]{6,}|claif-[\w-]{43})"
)
"""Also a key that is not ours: it is not the caller's to see either."""
_SHORTEST = 6
"""Characters of a key below which it is none, and may stand in any word."""
_BLOT = b"***"
_ESCAPED = frozenset('"/\\')
"""What JSON may write with a backslash before it."""


class KeyRedactor:
    """Blots keys out of what upstream said.

    Args:
        accounts: whose keys are found wherever they stand; others only where they look like one.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._secrets: dict[str, None] = {}
        self.add(accounts)

    def add(self, accounts: Iterable[Account]) -> None:
        """Know the keys of further accounts; a stream that runs may have been sent an earlier."""
        found = map(_secret_of, accounts)
        self._secrets.update(dict.fromkeys(one for one in found if len(one) >= _SHORTEST))
        longest_first = sorted(self._secrets, key=len, reverse=True)
        known = [_pattern_of(secret).encode() for secret in longest_first]
        self._keys = re.compile(b"|".join([*known, _ANY_KEY]))

    def __call__(self, data: bytes) -> bytes:
        """The bytes, as they are but for the keys."""
        return self._keys.sub(_BLOT, data)

    def header(self, value: str) -> str:
        """The value of a header, likewise."""
        return self(value.encode("latin-1", "replace")).decode("latin-1")


class CleanedError:
    """An `AsyncExchange` whose body is read whole before it is told.

    Args:
        exchange: with an error, handed on.
        redacted: blots out what is not to be told, in the headers too.
    """

    __slots__ = ("_exchange", "_is_read", "_redacted", "headers", "status")

    def __init__(self, exchange: PeekedExchange, redacted: KeyRedactor) -> None:
        self._exchange, self._redacted, self._is_read = exchange, redacted, False
        self.status = exchange.status
        self.headers = {name: redacted.header(value) for name, value in exchange.headers.items()}

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
        return self._redacted(b"".join(pieces))

    async def close(self) -> None:
        await self._exchange.close()


def _secret_of(account: Account) -> str:
    return account.headers.get("authorization", "").removeprefix("Bearer ")


def _pattern_of(secret: str) -> str:
    return "".join(
        rf"\\?{re.escape(letter)}" if letter in _ESCAPED else re.escape(letter) for letter in secret
    )
