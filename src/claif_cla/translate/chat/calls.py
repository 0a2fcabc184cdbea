"""`tool_use` blocks as tool calls, also those that `max_tokens` cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from claif_cla.translate.chat.tools import CUSTOM_INPUT, ToolBox
from claif_cla.wire import json_text

__all__ = ["tool_call"]

_STRING_SO_FAR = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)')


def tool_call(block: Mapping[str, Any], tools: ToolBox) -> dict[str, Any]:
    """A `tool_use` block as a tool call under the caller's own name for the tool.

    A call that was cut by `max_tokens` has the JSON text it came to in `partial_json` (see
    `MessageFold`), and passes it on as far as it goes, as OpenAI does.
    """
    wire_name = block["name"]
    name = tools.names.to_caller(wire_name)
    if wire_name in tools.custom:
        custom = {"name": name, "input": _custom_input(block)}
        return {"id": block["id"], "type": "custom", "custom": custom}
    function = {"name": name, "arguments": _arguments(block, tools)}
    return {"id": block["id"], "type": "function", "function": function}


def _arguments(block: Mapping[str, Any], tools: ToolBox) -> str:
    cut = block.get("partial_json")
    if cut is not None:
        key = tools.wrapped.get(block["name"])
        return cut if key is None else _value_so_far(cut, key)
    value = tools.unwrap_input(block["name"], block.get("input"))
    return json_text.dump_text({} if value is None else value)


def _custom_input(block: Mapping[str, Any]) -> str:
    cut = block.get("partial_json")
    if cut is not None:
        found = _STRING_SO_FAR.match(_value_so_far(cut, CUSTOM_INPUT))
        return str(json_text.load(f'"{found.group(1)}"')) if found is not None else ""
    value = block.get("input")
    if isinstance(value, Mapping):
        value = value.get(CUSTOM_INPUT, value or "")
    return value if isinstance(value, str) else json_text.dump_text(value)


def _value_so_far(cut: str, key: str) -> str:
    """What has come of the value of `key`, the first one of a JSON object; may be empty."""
    opening = re.match(rf"\s*\{{\s*{re.escape(json.dumps(key))}\s*:\s*", cut)
    return cut[opening.end() :] if opening is not None else ""
