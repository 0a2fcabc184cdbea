"""Under which keys an answer is remembered, and how a stripped message finds it again.

Two keys that a client cannot lose while it keeps OpenAI's own fields:

- each tool call's id, which is unique to one answer;
- else a digest of the whole conversation up to and including the answer's text. The text alone
  would not do: the same `OK` in two conversations has two signatures, each bound to what stands
  before it.

The digest looks at what every client keeps: roles, text, media, calls and their ids. It does not
look at extensions, nor at whether a text stands as a string or in parts, nor at the white space
of the assistant's own text, which we and some clients change, nor at the code fence around it,
which an answer in JSON loses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from claif_cla.translate.chat.binding import THINKING, Prefixes
from claif_cla.translate.chat.fences import unfenced
from claif_cla.wire import json_text

__all__ = ["Heard", "Memory", "Recollection", "answer_keys", "is_programs", "worth_keeping"]

_PLAIN = ("text", "tool_use")
"""Block types whose content OpenAI's own fields carry completely."""

_NATIVE = ("content_blocks", "thinking_blocks", "reasoning_details")
"""Fields of a message that bring its thinking along."""

MAX_DEPTH = 100
"""How deep into a content part the digest looks."""


class Memory(Prefixes, Protocol):
    """Where answers are kept; see `claif_cla.thinking_memory`."""

    def __len__(self) -> int: ...
    def keep(
        self, keys: Iterable[str], content: Sequence[Any], prefix: str | None = None
    ) -> None: ...
    def recall(self, key: str) -> list[Any] | None: ...


def worth_keeping(content: Iterable[Mapping[str, Any]]) -> bool:
    """Whether OpenAI's fields alone would lose something of this answer."""
    return any(
        block.get("type") not in _PLAIN or block.get("citations") or is_programs(block)
        for block in content
    )


def is_programs(call: Mapping[str, Any]) -> bool:
    """Whether a call was made by a program, and not by Claude itself."""
    caller = call.get("caller")
    return isinstance(caller, Mapping) and isinstance(caller.get("tool_id"), str)


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
        role, said = message.get("role"), _said(message.get("content"))
        self._add(str(role))
        self._add(_squeezed(said) if role == "assistant" else said.strip())
        for tool_call_id in _call_ids(message):
            self._add(tool_call_id)
        self._add(_canonical(message.get("function_call")))
        self._add(str(message.get("tool_call_id") or message.get("name") or ""))

    def _add(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._digest.update(len(data).to_bytes(8, "big") + data)

    def key_of(self, text: str) -> str:
        """The key of an answer with this text at this place."""
        digest = self._digest.copy()
        digest.update(_squeezed(text).encode("utf-8", "surrogatepass"))
        return f"text:{digest.hexdigest()}"


def _squeezed(text: str) -> str:
    return "".join(unfenced(text).split())


def _said(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, (list, tuple)):
        return ""
    return "".join(map(_part, content))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping):
        if part.get("type") in THINKING:
            return ""
        if isinstance(part.get("text"), str):
            return str(part["text"])
    return _canonical(part)


def _canonical(value: Any, depth: int = 0) -> str:
    """JSON with sorted keys, without null and without marks that wander from call to call.

    What lies deeper than `MAX_DEPTH` does not count; nothing that the API takes does.
    """
    if value is None or depth > MAX_DEPTH:
        return ""
    if isinstance(value, Mapping):
        named = {str(key): item for key, item in value.items() if key != "cache_control"}
        pairs = [f"{key}:{_canonical(named[key], depth + 1)}" for key in sorted(named)]
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join([_canonical(item, depth + 1) for item in value])}]"
    return json_text.dump_text(value)


def _call_ids(message: Mapping[str, Any]) -> list[str]:
    calls = message.get("tool_calls")
    calls = calls if isinstance(calls, (list, tuple)) else ()
    return [str(call["id"]) for call in calls if isinstance(call, Mapping) and call.get("id")]


def answer_keys(
    messages: Iterable[Any], content: Sequence[Mapping[str, Any]], *, legacy: bool = False
) -> list[str]:
    """The keys of an answer to `messages`: one per tool call, or one for its place and text.

    Args:
        messages: of the caller's request.
        content: the answer's blocks.
        legacy: whether it is told as a `function_call`, which has no id.
    """
    ids = [str(block.get("id")) for block in content if block.get("type") == "tool_use"]
    if ids and not legacy:
        return [f"call:{tool_call_id}" for tool_call_id in ids]
    text = "".join(str(block.get("text")) for block in content if block.get("type") == "text")
    return [Heard(messages).key_of(text)] if ids or text.strip() else []


class Recollection:
    """What a memory holds of the conversation of one request; `knows` tells if it holds anything.

    The digest is made as far as it is needed, and only if the memory holds anything.

    Args:
        memory: None remembers nothing.
        messages: of the request.
    """

    def __init__(self, memory: Memory | None, messages: Sequence[Any]) -> None:
        self.knows = memory is not None and len(memory) > 0
        self._memory = memory
        self._messages = messages
        self._heard = Heard()
        self._taken = 0

    def of(self, index: int) -> list[Any] | None:
        """The complete content of the assistant's message there; None if it is not known.

        A message that brings native blocks of its own is not looked up.
        """
        message = self._messages[index]
        if self._memory is None or not self.knows or _is_complete(message):
            return None
        ids = _call_ids(message)
        if ids:
            return self._memory.recall(f"call:{ids[0]}")
        said = _said(message.get("content"))
        if not said.strip() and not message.get("function_call"):
            return None
        for earlier in self._messages[self._taken : index]:
            self._heard.take(earlier)
        self._taken = index
        return self._memory.recall(self._heard.key_of(said))


def _is_complete(message: Mapping[str, Any]) -> bool:
    if any(message.get(name) for name in _NATIVE):
        return True
    content = message.get("content")
    parts = content if isinstance(content, (list, tuple)) else ()
    return any(isinstance(part, Mapping) and part.get("type") in THINKING for part in parts)
