"""Plans of short requests, and the messages that they are made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat_requests.models import NEWEST
from claif_cla.errors import Refusal
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat.plan import Plan
from claif_cla.translate.chat.request import plan_request

__all__ = [
    "assistant",
    "call",
    "function_tool",
    "plan",
    "planned",
    "receipts",
    "refused",
    "result",
    "system",
    "user",
]

Json = dict[str, Any]


def user(content: Any = "q", **more: Any) -> Json:
    return {"role": "user", "content": content, **more}


def system(content: Any = "s", **more: Any) -> Json:
    return {"role": "system", "content": content, **more}


def assistant(content: Any = None, *calls: Json, **more: Any) -> Json:
    called = {"tool_calls": list(calls)} if calls else {}
    return {"role": "assistant", "content": content, **called, **more}


def call(id: str = "a", name: str = "f", arguments: Any = "{}") -> Json:  # noqa: A002
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(id: str = "a", content: Any = "r", **more: Any) -> Json:  # noqa: A002
    return {"role": "tool", "tool_call_id": id, "content": content, **more}


def function_tool(name: str = "f", parameters: Any = None, **more: Any) -> Json:
    function = {"name": name, "parameters": parameters or {"type": "object", "properties": {}}}
    return {"type": "function", "function": {**function, **more}}


def plan(
    *, settings: Json | None = None, headers: dict[str, str] | None = None, **request: Any
) -> Plan:
    """The plan of `request`; `model` and `messages` are filled in where they are missing."""
    body = {"model": NEWEST, "messages": [user()], **request}
    call = Call(
        "POST", "/chat/completions", body, Settings(**(settings or {})), headers=headers or {}
    )
    return plan_request(call)


def planned(**request: Any) -> Json:
    """The Messages request, as it goes over the wire."""
    body: Json = json.loads(plan(**request).data)
    return body


def receipts(**request: Any) -> list[tuple[str, str]]:
    """Parameter and action of each receipt."""
    return [(entry["param"], entry["action"]) for entry in plan(**request).receipts.entries]


def refused(**request: Any) -> Refusal:
    """The refusal of the request."""
    with pytest.raises(Refusal) as caught:
        plan(**request)
    return caught.value
