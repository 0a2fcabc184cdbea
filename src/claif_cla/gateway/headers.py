"""Headers across the gateway, by allow-list: what is not named here stays on its side.

Nothing of the caller's but Anthropic's own settings goes upstream, least of all their key; nothing
of the upstream's comes back that tells of the operator's account.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["answer_headers", "forwarded"]

_UP = ("anthropic-", "x-simulator-")
_BACK = frozenset(
    "x-request-id request-id retry-after retry-after-ms x-should-retry x-claif-adapted".split()
)
_LIMITS = ("x-ratelimit-", "anthropic-ratelimit-")


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers that go upstream."""
    return {name: value for name, value in headers.items() if name.startswith(_UP)}


def answer_headers(headers: Mapping[str, str], limited: bool) -> list[tuple[bytes, bytes]]:  # noqa: FBT001
    """The upstream's headers that go to the caller.

    Args:
        headers: of the answer, lower-case names.
        limited: whether the caller has limits of their own: then the account's are not theirs.
    """
    return [
        (name.encode(), value.encode("latin-1", "replace"))
        for name, value in headers.items()
        if name in _BACK or (not limited and name.startswith(_LIMITS))
    ]
