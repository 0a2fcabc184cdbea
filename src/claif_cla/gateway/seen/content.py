"""Prompts and answers in the form of the conventions for generative AI, for who wants them traced.

Both APIs' messages become `{"role": …, "parts": [...]}`. Text is cut, secrets are blotted out, and
of images, files and thinking only the kind is told: a trace is no archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, TypeVar

from claif_cla.gateway.seen.redaction import Redactor, redacted
from claif_cla.wire import json_text

__all__ = ["MAX_CONTENT", "Content"]

MAX_MESSAGES = 50
"""The latest of a conversation."""
MAX_PARTS = 50
"""Of one message."""
MAX_CHARACTERS = 4_000
"""Of one text."""
MAX_MESSAGE = 32_000
"""Characters of one message's parts. More than one text has, even if JSON escapes all of it."""
MAX_CONTENT = 64_000
"""Characters of one attribute. A span holds three, and some hundred wait for a slow collector."""
_LONGEST_WORD = 100
_SYSTEM = ("system", "developer")
_Item = TypeVar("_Item")


class Content:
    """See the module.

    Args:
        clean: for every text and every name; it looks at them before they are cut.
    """

    def __init__(self, clean: Redactor = redacted) -> None:
        self._clean = clean

    def system_of(self, request: Any) -> str | None:
        """The instructions of a request as JSON, or None if it has none."""
        parts = self._parts(request.get("system")) if isinstance(request, Mapping) else []
        for message in _messages(request):
            if len(parts) < MAX_PARTS and message.get("role") in _SYSTEM:
                parts += self._parts(message.get("content"))
        return _spelled(_fitting(islice(parts, MAX_PARTS), MAX_CONTENT))

    def input_of(self, request: Any) -> str | None:
        """The conversation of a request as JSON, or None if there is none."""
        others = (m for m in reversed(_messages(request)) if m.get("role") not in _SYSTEM)
        latest = (self._told(message) for message in islice(others, MAX_MESSAGES))
        return _spelled(_fitting(latest, MAX_CONTENT)[::-1])

    def output_of(self, answer: Any) -> str | None:
        """What a whole answer says, as JSON; None for an error or a stream."""
        if not isinstance(answer, Mapping):
            return None
        if answer.get("type") == "message":
            said = [(answer, answer.get("stop_reason"))]
        else:
            said = [
                (choice["message"], choice.get("finish_reason"))
                for choice in islice(_mappings(answer.get("choices")), MAX_MESSAGES)
                if isinstance(choice.get("message"), Mapping)
            ]
        told = ({**self._told(it), "finish_reason": self._word(why)} for it, why in said)
        return _spelled(_fitting(told, MAX_CONTENT))

    def _told(self, message: Mapping[str, Any]) -> dict[str, Any]:
        role = self._word(message.get("role"))
        if role == "tool":
            part = self._response(message.get("tool_call_id"), message.get("content"))
            return {"role": role, "parts": [part]}
        parts = self._parts(message.get("content"))
        for call in islice(_mappings(message.get("tool_calls")), MAX_PARTS):
            function = call.get("function")
            if isinstance(function, Mapping):
                name, arguments = function.get("name"), function.get("arguments")
                parts.append(self._call(call.get("id"), name, arguments))
        return {"role": role, "parts": _fitting(parts, MAX_MESSAGE)}

    def _parts(self, content: Any) -> list[dict[str, Any]]:
        if isinstance(content, str):
            return [self._text(content)] if content else []
        return [self._part(part) for part in islice(_mappings(content), MAX_PARTS)]

    def _part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        kind = self._word(part.get("type"))
        if kind == "text":
            return self._text(part.get("text"))
        if kind == "tool_use":
            return self._call(part.get("id"), part.get("name"), part.get("input"))
        if kind == "tool_result":
            return self._response(part.get("tool_use_id"), part.get("content"))
        return {"type": kind}

    def _text(self, text: Any) -> dict[str, Any]:
        return {"type": "text", "content": self._cut(text)}

    def _call(self, call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
        told = {"type": "tool_call", "id": self._word(call_id), "name": self._word(name)}
        return {**told, "arguments": self._cut(arguments)}

    def _response(self, call_id: Any, answer: Any) -> dict[str, Any]:
        told = {"type": "tool_call_response", "id": self._word(call_id)}
        return {**told, "response": self._cut(answer)}

    def _cut(self, value: Any) -> str:
        """As text of bounded length."""
        if isinstance(value, list):
            texts: Iterable[Any] = (
                part.get("text") for part in islice(_mappings(value), MAX_PARTS)
            )
            value = "".join(text for text in texts if isinstance(text, str))
        text = value if isinstance(value, str) else json_text.dump_text(value)
        kept = self._clean.cut(text, MAX_CHARACTERS)
        return kept if len(text) <= MAX_CHARACTERS else f"{kept}…"

    def _word(self, value: Any) -> str:
        return self._clean.cut(value, _LONGEST_WORD) if isinstance(value, str) else ""


def _messages(request: Any) -> list[Mapping[str, Any]]:
    return _mappings(request.get("messages")) if isinstance(request, Mapping) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _fitting(items: Iterable[_Item], most: int) -> list[_Item]:
    """The first ones that fit into so many characters of JSON; the others are not made."""
    kept: list[_Item] = []
    for item in items:
        most -= len(_json(item)) + 1
        if most < 0:
            break
        kept.append(item)
    return kept


def _spelled(items: list[Any]) -> str | None:
    return _json(items) if items else None


def _json(value: Any) -> str:
    # Through bytes: half an emoji fits into no protobuf, and would cost the whole attribute.
    return json_text.dump_bytes(value).decode()
