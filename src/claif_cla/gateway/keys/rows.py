"""Keys and their secrets as rows of the file's tables, and back.

What is read is checked: a limit or a scope that is not understood must not be taken for none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, NamedTuple

from claif_cla.gateway.keys.record import Key, KeyLimits, Scopes

__all__ = ["DamagedRowError", "Secret", "key_of", "row_of"]

MAX_KNOWN = 4096
"""Scopes and limits that are kept decoded. Most keys share a few, and all keys are read at once."""


class DamagedRowError(ValueError):
    """A row is not as this package writes it; the message says which, and holds no secret."""


class Secret(NamedTuple):
    """What is stored of a secret.

    Attributes:
        key_id: of its key.
        digest: of the secret.
        until: when it ends, Unix seconds; None for a key's newest one.
        hint: its beginning.
    """

    key_id: str
    digest: bytes
    until: float | None
    hint: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> Secret:
        """The secret of a row. Raises `DamagedRowError`."""
        key_id, digest, until, hint = row
        if not (isinstance(digest, bytes) and _is_time(until) and isinstance(hint, str)):
            raise DamagedRowError(f"a secret of the key {str(key_id)[:50]!r} is damaged")
        return cls(key_id, digest, until, hint)


def row_of(key: Key) -> tuple[Any, ...]:
    """All of a key but its hint, which stands with its secret."""
    fields = (json.dumps(asdict(key.scopes)), json.dumps(asdict(key.limits)))
    return (key.id, key.name, key.created, key.expires, key.revoked, *fields)


def key_of(row: Sequence[Any], hint: str) -> Key:
    """The key of a row.

    Args:
        row: as `row_of` made it, or as it was found.
        hint: of its secret.

    Raises:
        DamagedRowError: says which key it is.
    """
    key_id, name, created, expires, revoked, scopes, limits = row
    whose = f"the key {str(key_id)[:50]!r} is damaged"
    if created is None or not all(map(_is_time, (created, expires, revoked))):
        raise DamagedRowError(f"{whose}: one of its times")
    if not (isinstance(key_id, str) and isinstance(name, str)):
        raise DamagedRowError(f"{whose}: its name")
    try:
        return Key(key_id, name, created, expires, revoked, _scopes(scopes), _limits(limits), hint)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedRowError(f"{whose}: {error}") from error


def _is_time(value: object) -> bool:
    return value is None or isinstance(value, (int, float))


@lru_cache(maxsize=MAX_KNOWN)
def _scopes(text: str) -> Scopes:
    told = json.loads(text)
    for name, values in told.items():
        if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            raise ValueError(f"its scope `{name}`")
    return Scopes(**{name: tuple(values) for name, values in told.items()})


@lru_cache(maxsize=MAX_KNOWN)
def _limits(text: str) -> KeyLimits:
    told = json.loads(text)
    for name, value in told.items():
        if value is not None and type(value) is not int:
            raise ValueError(f"its limit `{name}`")
    return KeyLimits(**told)
