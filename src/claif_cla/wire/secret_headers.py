"""Headers that must not outlive the request that carried them.

Exceptions of openai and of the HTTP libraries hold their request, and who pickles one, for a
process pool or a queue, writes its headers down.
"""

from __future__ import annotations

import copy
import re
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

__all__ = ["REDACTED", "redact", "redact_error"]

REDACTED = "[redacted]"
_SECRET = re.compile(r"auth|cookie|credential|password|secret|token|(^|-)(api-?)?key$")
_HARMLESS = frozenset({"idempotency-key"})


def redact(headers: MutableMapping[str, str]) -> None:
    """Overwrite, in place, the value of each header whose name tells that it is a secret."""
    for name in filter(_is_secret, [*headers]):
        headers[name] = REDACTED


@lru_cache(maxsize=256)
def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return lowered not in _HARMLESS and _SECRET.search(lowered) is not None


def redact_error(error: BaseException) -> None:
    """Give an exception of the HTTP library a copy of its request, without the secrets.

    A copy: the caller's HTTP client, its event hooks and its transport have seen the request
    itself and may hold it.
    """
    request: Any = getattr(error, "_request", None)
    if request is None:
        return
    copied = copy.copy(request)
    copied.headers = request.headers.copy()
    redact(copied.headers)
    error.request = copied  # type: ignore[attr-defined]
