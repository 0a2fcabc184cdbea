"""Signatures of thinking blocks: made with the answer, verified when the block comes back.

A signature binds a block's text and, on models released since Fable 5.1, the conversation
before it: the system prompt, the tools and the turns before, thinking excepted, since earlier
thinking may be left out. `cache_control` and the spelling of text as string or block do not
count. Model ids don't either: the API drops blocks that a model can't read without an error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from claif_cla.backends.simulator.conversation import Block, Turn, blocks_of
from claif_cla.wire.json_text import dump_bytes

__all__ = ["Signer", "prefix_digest", "prefix_digests"]

_THINKING = frozenset({"thinking", "redacted_thinking"})
_VERSION = b"\x12\x01"
_NONCE = 16
_PREFIX = 32
_PADDING = 96
"""Real signatures are long; a caller who cuts fields short should notice here already."""


def prefix_digest(payload: Mapping[str, Any], turns: Sequence[Turn]) -> bytes:
    """A digest of what stands before a turn: system, tools and `turns`."""
    *_, last = prefix_digests(payload, turns)
    return last


def prefix_digests(payload: Mapping[str, Any], turns: Sequence[Turn]) -> Iterator[bytes]:
    """The digest before each turn, and the one after the last: one pass over a conversation."""
    state = hashlib.sha256()
    state.update(dump_bytes([_bare(block) for block in blocks_of(payload.get("system"))]))
    state.update(dump_bytes([_bare(tool) for tool in payload.get("tools") or ()]))
    yield state.digest()
    for turn in turns:
        blocks = [_bare(block) for block in turn.blocks if block.get("type") not in _THINKING]
        state.update(dump_bytes([turn.role, blocks]))
        yield state.digest()


def _bare(block: Block) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "cache_control"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs thinking blocks, and tells which of those that come back are its own.

    Args:
        secret: the key; engines with the same secret accept each other's blocks.
    """

    secret: bytes

    def sign(self, text: str, prefix: bytes, nonce: bytes) -> str:
        """A signature for a thinking block.

        Args:
            text: what the block shows; empty where display is omitted.
            prefix: `prefix_digest` of what stands before the answer.
            nonce: 16 bytes that make blocks with equal text differ.
        """
        head = _VERSION + nonce[:_NONCE] + prefix[:_PREFIX]
        return base64.b64encode(head + self._mac(head, text) + self._padding(head)).decode()

    def verify(self, text: str, signature: str) -> bytes | None:
        """The prefix digest inside a genuine signature; None where it is not genuine.

        The text inside an omitted block is ignored by the API, so either text is fine there.
        """
        try:
            raw = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return None
        size = len(_VERSION) + _NONCE + _PREFIX
        head, mac, padding = raw[:size], raw[size : size + 32], raw[size + 32 :]
        if not head.startswith(_VERSION) or padding != self._padding(head):
            return None
        genuine = any(hmac.compare_digest(mac, self._mac(head, own)) for own in (text, ""))
        return head[-_PREFIX:] if genuine else None

    def _mac(self, head: bytes, text: str) -> bytes:
        return hmac.new(
            self.secret, head + text.encode("utf-8", "surrogatepass"), hashlib.sha256
        ).digest()

    def _padding(self, head: bytes) -> bytes:
        return hashlib.shake_256(self.secret + head).digest(_PADDING)
