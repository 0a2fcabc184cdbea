"""Under which keys an answer is remembered, and how a stripped message finds it again.

Two keys that a client cannot lose while it keeps OpenAI's own fields:

- each tool call's id, which is unique to one answer;
- for text, a digest of the whole conversation up to and including it. The text alone would not
  do: the same `OK` in two conversations has two signatures, each bound to what stands before it.

The digest looks at what every client keeps: roles, text, media, calls and their ids. It does not
look at extensions, nor at whether a text stands as a string or in parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from claif_cla.wire import json_text

__all__ = ["Heard", "Memory", "answer_keys", "worth_keeping"]

_PLAIN = ("text", "tool_use")
"""Block types whose content OpenAI's own fields carry completely."""


class Memory(Protocol):
    """Where answers are kept; see `claif_cla.thinking_memory`."""

    @property
    def max_answer_bytes(self) -> int: ...
    def keep(self, keys: Iterable[str], content: Sequence[Any]) -> None: ...
    def recall(self, key: str) -> list[Any] | None: ...


def worth_keeping(content: Iterable[Mapping[str, Any]]) -> bool:
    """Whether OpenAI's fields alone would lose something of this answer."""
    return any(block.get("type") not in _PLAIN or block.get("citations") for block in content)


class Heard:
    """A running digest of a conversation, one message at a time."""

    def __init__(self, messages: Iterable[Any] = ()) -> None:
        self._digest = hashlib.blake2b(digest_size=16)
        for message in messages:
            self.take(message)

    def take(self, message: Any) -> None:
        """Go on by one message of the request."""
        if not isinstance(message, Mapping):
            return
        self._add(str(message.get("role")))
        self._add(_said(message.get("content")))
        for call in message.get("tool_calls") or ():
            self._add(str(call.get("id")) if isinstance(call, Mapping) else "")
        self._add(str(message.get("tool_call_id") or ""))

    def _add(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._digest.update(len(data).to_bytes(8, "big") + data)

    def key_of(self, text: str) -> str:
        """The key of an answer with this text at this place."""
        digest = self._digest.copy()
        digest.update(text.strip().encode("utf-8", "surrogatepass"))
        return f"text:{digest.hexdigest()}"


def _said(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    if not isinstance(content, (list, tuple)):
        return ""
    pieces = []
    for part in content:
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            pieces.append(part["text"])
        else:
            pieces.append(json_text.dump_text(part))
    return "".join(pieces).strip()


def answer_keys(
    messages: Iterable[Any], text: str, content: Iterable[Mapping[str, Any]]
) -> list[str]:
    """The keys of an answer to `messages`: one per tool call, or one for its text."""
    ids = [str(block.get("id")) for block in content if block.get("type") == "tool_use"]
    if ids:
        return [f"call:{tool_call_id}" for tool_call_id in ids]
    return [Heard(messages).key_of(text)] if text.strip() else []
