"""Ids that look like the API's and derive from the request, so that runs can be compared."""

from __future__ import annotations

import hashlib

__all__ = ["make_id"]

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH = 22


def make_id(prefix: str, *parts: bytes) -> str:
    """An id such as `msg_01…`: the prefix, `01`, and 22 characters that stand for `parts`."""
    state = hashlib.sha256(prefix.encode())
    for part in parts:
        state.update(len(part).to_bytes(8, "big") + part)
    number = int.from_bytes(state.digest(), "big")
    letters = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return f"{prefix}_01{''.join(letters)}"
