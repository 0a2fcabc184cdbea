"""Thinking that is bound to what stands before it, and no longer fits.

From Fable 5.1 on, Claude's thinking is bound to the system prompt, the tools and the turns before
it: sent back behind anything else it is a 400 (Anthropic's documentation of extended thinking). A
client that drops its oldest messages, or edits one, would pay that refusal with every call. So a
digest of what stood before an answer is remembered with the answer, and blocks that come back
behind something else are left out before they are sent.

What is not remembered is sent as it is; `lessons` knows the refusal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from claif_cla.wire import json_text

__all__ = ["THINKING", "Prefixes", "prefix_of", "thinking_key", "thinking_keys", "unfit_thinking"]

THINKING = ("thinking", "redacted_thinking")
"""The types of blocks that are signed."""

_PROOF = {"thinking": "signature", "redacted_thinking": "data"}


class Prefixes(Protocol):
    """Where it is kept what stood before an answer; see `claif_cla.thinking_memory`."""

    def prefix(self, key: str) -> str | None:
        """The digest that was kept under `key`; None where it is not known."""
        ...


def thinking_key(block: Mapping[str, Any]) -> str:
    """The key of a thinking block: its signature, which no other has."""
    proof = str(block.get(_PROOF[block["type"]])).encode("utf-8", "surrogatepass")
    return f"signed:{hashlib.blake2b(proof, digest_size=16).hexdigest()}"


def thinking_keys(content: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of all thinking blocks of a turn."""
    return [thinking_key(block) for block in content if block.get("type") in THINKING]


def prefix_of(body: Mapping[str, Any]) -> str:
    """A digest of a whole Messages request: what stands before its answer."""
    *_, last = _prefixes(body)
    return last


def unfit_thinking(body: Mapping[str, Any], known: Prefixes) -> frozenset[str]:
    """The keys of the blocks that are known to have stood behind something else.

    One pass, and only up to the last turn that holds thinking.
    """
    turns: Sequence[Mapping[str, Any]] = body["messages"]
    thoughtful = [number for number, turn in enumerate(turns) if _thinks(turn)]
    if not thoughtful:
        return frozenset()
    unfit = set()
    for turn, prefix in zip(turns[: thoughtful[-1] + 1], _prefixes(body), strict=False):
        for key in thinking_keys(turn["content"]) if _thinks(turn) else ():
            if known.prefix(key) not in (None, prefix):
                unfit.add(key)
    return frozenset(unfit)


def _thinks(turn: Mapping[str, Any]) -> bool:
    return turn["role"] == "assistant" and any(b.get("type") in THINKING for b in turn["content"])


def _prefixes(body: Mapping[str, Any]) -> Iterator[str]:
    """The digest before each turn, and the one after the last.

    Thinking does not count, as that of earlier turns may be left out, nor do cache markers,
    which wander from call to call.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(_bytes([body.get("system"), body.get("tools")]))
    yield digest.hexdigest()
    for turn in body["messages"]:
        said = [block for block in turn["content"] if block.get("type") not in THINKING]
        digest.update(_bytes([turn["role"], said]))
        yield digest.hexdigest()


def _bytes(value: Any) -> bytes:
    data = json_text.dump_bytes(value)
    return json_text.dump_bytes(_unmarked(value)) if b'"cache_control"' in data else data


def _unmarked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    return [_unmarked(item) for item in value] if isinstance(value, (list, tuple)) else value
