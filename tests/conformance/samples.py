"""Requests and pieces of requests that several checks use."""

from __future__ import annotations

import base64
from typing import Any

__all__ = [
    "ASKED",
    "CITY",
    "EMPTY",
    "PDF",
    "PNG",
    "STRICT",
    "answered",
    "called",
    "function",
    "image",
    "json_schema",
    "result",
    "user",
]

EMPTY = {"type": "object", "properties": {}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
STRICT = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
ASKED = {"role": "user", "content": "q"}
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n").decode()


def user(content: Any) -> dict[str, Any]:
    """A user's message."""
    return {"role": "user", "content": content}


def function(name: str = "f", parameters: Any = EMPTY, **more: Any) -> dict[str, Any]:
    """A function tool; `more` are fields of `function`."""
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


def called(*calls: tuple[str, str] | tuple[str, str, str], content: Any = None) -> dict[str, Any]:
    """An assistant's message with calls, each `(id, name)` or `(id, name, arguments)`."""
    made = [(*call, "{}")[:3] for call in calls]
    return {
        "role": "assistant",
        "content": content,
        "tool_calls": [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id_, name, arguments in made
        ],
    }


def result(tool_call_id: str, content: Any = "r", **more: Any) -> dict[str, Any]:
    """A tool's message."""
    return {"role": "tool", "tool_call_id": tool_call_id, "content": content, **more}


def answered(*ids: str) -> list[dict[str, Any]]:
    """A conversation of one question, calls of `f` with these ids, and their results."""
    return [ASKED, called(*((id_, "f") for id_ in ids)), *(result(id_) for id_ in ids)]


def image(url: str, **more: Any) -> list[dict[str, Any]]:
    """Content of a text and an image."""
    picture = {"type": "image_url", "image_url": {"url": url, **more}}
    return [{"type": "text", "text": "?"}, picture]


def json_schema(schema: Any, **more: Any) -> dict[str, Any]:
    """A `response_format`."""
    inner = {"name": "o", "strict": True, "schema": schema, **more}
    return {"type": "json_schema", "json_schema": inner}
