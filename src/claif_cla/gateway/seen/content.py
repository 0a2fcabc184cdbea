"""Prompts and answers in the form of the conventions for generative AI, for who wants them traced.

Both APIs' messages become `{"role": …, "parts": [...]}`. Text is cut, and of images, files and
thinking only the kind is told: a trace is no archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from claif_cla.wire import json_text

__all__ = ["input_of", "output_of", "system_of"]

MAX_MESSAGES = 50
"""The latest of a conversation."""
MAX_PARTS = 50
"""Of one message."""
MAX_CHARACTERS = 4_000
"""Of one text."""
_SYSTEM = ("system", "developer")


def system_of(request: Any) -> str | None:
    """The instructions of a request as JSON, or None if it has none."""
    parts = _parts(request.get("system")) if isinstance(request, Mapping) else []
    for message in _messages(request):
        if message.get("role") in _SYSTEM:
            parts += _parts(message.get("content"))
    return json_text.dump_text(parts[:MAX_PARTS]) if parts else None


def input_of(request: Any) -> str | None:
    """The conversation of a request as JSON, or None if there is none."""
    told = [_told(message) for message in _messages(request) if message.get("role") not in _SYSTEM]
    return json_text.dump_text(told[-MAX_MESSAGES:]) if told else None


def output_of(answer: Any) -> str | None:
    """What a whole answer says, as JSON; None for an error or a stream."""
    if not isinstance(answer, Mapping):
        return None
    if answer.get("type") == "message":
        told = [{**_told(answer), "finish_reason": _word(answer.get("stop_reason"))}]
    else:
        told = [
            {**_told(choice["message"]), "finish_reason": _word(choice.get("finish_reason"))}
            for choice in _mappings(answer.get("choices"))
            if isinstance(choice.get("message"), Mapping)
        ]
    return json_text.dump_text(told[:MAX_MESSAGES]) if told else None


def _messages(request: Any) -> list[Mapping[str, Any]]:
    return _mappings(request.get("messages")) if isinstance(request, Mapping) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _told(message: Mapping[str, Any]) -> dict[str, Any]:
    role = _word(message.get("role"))
    if role == "tool":
        answer = _cut(message.get("content"))
        part = {"type": "tool_call_response", "id": _word(message.get("tool_call_id"))}
        return {"role": role, "parts": [{**part, "response": answer}]}
    parts = _parts(message.get("content"))
    for call in islice(_mappings(message.get("tool_calls")), MAX_PARTS):
        function = call.get("function")
        if isinstance(function, Mapping):
            parts.append(_call(call.get("id"), function.get("name"), function.get("arguments")))
    return {"role": role, "parts": parts}


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [_text(content)] if content else []
    return [_part(part) for part in islice(_mappings(content), MAX_PARTS)]


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = _word(part.get("type"))
    if kind == "text":
        return _text(part.get("text"))
    if kind == "tool_use":
        return _call(part.get("id"), part.get("name"), part.get("input"))
    if kind == "tool_result":
        answer = _cut(part.get("content"))
        told = {"type": "tool_call_response", "id": _word(part.get("tool_use_id"))}
        return {**told, "response": answer}
    return {"type": kind}


def _text(text: Any) -> dict[str, Any]:
    return {"type": "text", "content": _cut(text)}


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    told = {"type": "tool_call", "id": _word(call_id), "name": _word(name)}
    return {**told, "arguments": _cut(arguments)}


def _cut(value: Any) -> str:
    """As text of bounded length."""
    if isinstance(value, list):
        texts: Iterable[Any] = (part.get("text") for part in islice(_mappings(value), MAX_PARTS))
        value = "".join(text for text in texts if isinstance(text, str))
    text = value if isinstance(value, str) else json_text.dump_text(value)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def _word(value: Any) -> str:
    return value[:100] if isinstance(value, str) else ""
