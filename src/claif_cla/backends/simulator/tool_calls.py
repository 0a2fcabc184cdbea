"""Which tools the simulator calls, and with what.

It calls the tools that the user's text names, in the order in which it names them: `call a and
b` calls both at once, `call a then b` one after the other. A word of a tool's name is enough:
`weather` means `get_weather`. Otherwise it calls tools only when `tool_choice` makes it, or the
system prompt in its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from claif_cla.backends.simulator.conversation import last_user_text, tool_rounds
from claif_cla.backends.simulator.rules.check import ValidRequest
from claif_cla.backends.simulator.samples.instances import make_instance
from claif_cla.backends.simulator.told import told_choice

__all__ = ["callable_tools", "wanted_calls"]

_CLIENT_TOOLS: Mapping[str, Mapping[str, Any]] = {
    "bash_": {"command": "echo 'from the simulator'"},
    "memory_": {"command": "view", "path": "/memories"},
    "text_editor_": {"command": "view", "path": "/"},
}
"""Input for the tools that Anthropic defines and the caller runs, by the start of `type`."""

_COMMON_WORDS = frozenset(
    "about call create delete find from function list lookup make read send tool update "
    "with write".split()
)


def callable_tools(request: ValidRequest) -> dict[str, Mapping[str, Any]]:
    """The tools that the caller runs, by name."""
    found = {}
    for tool in request.payload.get("tools") or ():
        own = isinstance(tool.get("input_schema"), dict)
        if own or str(tool.get("type", "")).startswith(tuple(_CLIENT_TOOLS)):
            found[str(tool["name"])] = tool
    return found


def wanted_calls(request: ValidRequest) -> list[tuple[str, Any]]:
    """Name and input of each tool to call now; empty where the answer is text."""
    tools, choice = callable_tools(request), _choice(request)
    if not tools or choice["type"] == "none":
        return []
    if choice["type"] == "tool" and choice["name"] in tools:
        names = [str(choice["name"])]
    else:
        names = _names_now(request, tools, single=bool(choice.get("disable_parallel_tool_use")))
        if not names and choice["type"] == "any":
            names = [next(iter(tools))]
    return [(name, _input(tools[name])) for name in names]


def _choice(request: ValidRequest) -> Mapping[str, Any]:
    given = request.payload.get("tool_choice") or {"type": "auto"}
    told = told_choice(request) if given["type"] == "auto" else None
    return {**given, **told} if told else given


def _names_now(
    request: ValidRequest, tools: Mapping[str, Mapping[str, Any]], *, single: bool
) -> list[str]:
    text = last_user_text(request.turns)
    steps = [_named(part, tools) for part in re.split(r"\bthen\b", text, flags=re.IGNORECASE)]
    steps = [step for step in steps if step]
    if single:
        steps = [[name] for step in steps for name in step]
    done = tool_rounds(request.turns)
    return steps[done] if done < len(steps) else []


def _named(text: str, tools: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The tools of which the text speaks, by full name or, failing any, by a word of it."""
    lowered = text.lower()
    places = {name: _place(lowered, _spellings(name)) for name in tools}
    if all(place < 0 for place in places.values()):
        places = {name: _place(lowered, _words(name)) for name in tools}
    found: Sequence[str] = [name for name, place in places.items() if place >= 0]
    return sorted(found, key=lambda name: places[name])


def _place(text: str, terms: Sequence[str]) -> int:
    matches = [re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text) for term in terms]
    return min((match.start() for match in matches if match), default=-1)


def _spellings(name: str) -> list[str]:
    return [name.lower(), re.sub(r"[_-]+", " ", name.lower())]


def _words(name: str) -> list[str]:
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).lower()
    words = re.split(r"[_\W]+", split)
    return [word for word in words if len(word) > 3 and word not in _COMMON_WORDS]


def _input(tool: Mapping[str, Any]) -> Any:
    if "input_schema" in tool:
        value = make_instance(tool["input_schema"])
        return value if isinstance(value, dict) else {}
    kind = str(tool["type"])
    return next(dict(value) for start, value in _CLIENT_TOOLS.items() if kind.startswith(start))
