"""The container of a program that calls the caller's tools.

Claude may write a program that calls tools. It waits in its container for their results, and the
API refuses these (`container_id is required …`) where the request does not name the container.
OpenAI has no such field, so it is found again: in the echo of the answer, or in the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.recall import Memory, is_programs

__all__ = ["container_id", "keep_container", "settle_container"]


def container_id(message: Mapping[str, Any]) -> str | None:
    """The id of the container that a Message tells of."""
    container = message.get("container")
    found = container.get("id") if isinstance(container, Mapping) else None
    return found if isinstance(found, str) and found else None


def _waiting(blocks: Iterable[Mapping[str, Any]]) -> list[str]:
    """The programs that called the caller's tools."""
    calls = [block for block in blocks if block["type"] == "tool_use"]
    return [call["caller"]["tool_id"] for call in calls if is_programs(call)]


def keep_container(memory: Memory, message: Mapping[str, Any]) -> None:
    """Remember where the programs of this Message wait."""
    found, programs = container_id(message), _waiting(message["content"])
    if found is not None and programs:
        memory.keep(map(_key, programs), [{"container": found}])


def _key(program: str) -> str:
    return f"program:{program}"


def settle_container(body: dict[str, Any], context: Context) -> None:
    """Name the container, in place, where the last calls are a program's and no one named it."""
    if body.get("container") is not None or not context.rich_turns:
        return
    programs = _waiting(_last_said(body["messages"]))
    if not programs:
        return
    found = _echoed(context.request["messages"]) or _remembered(context.settings.memory, programs)
    if found is not None:
        body["container"] = found


def _last_said(turns: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    content = next((t["content"] for t in reversed(turns) if t["role"] == "assistant"), ())
    return () if isinstance(content, str) else content


def _echoed(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """What the newest answer says that was sent back with its extensions."""
    named = (container_id(one) for one in reversed(messages) if one.get("role") == "assistant")
    return next((found for found in named if found is not None), None)


def _remembered(memory: Memory | None, programs: Iterable[str]) -> str | None:
    kept = (memory.recall(_key(program)) for program in programs) if memory is not None else ()
    return next((str(entry[0]["container"]) for entry in kept if entry), None)
