"""Tools: what of a request's tools the rest of the translation needs.

Their definitions are made in `tool_definitions`, where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.names import ToolNames
from claif_cla.translate.chat.web_search import web_search_tool
from claif_cla.translate.receipts import Receipts

__all__ = ["CUSTOM_INPUT", "SEARCH", "ToolBox", "tool_box"]

CUSTOM_INPUT = "input"
"""The one property that carries the text of a custom (free-form) tool call."""

SEARCH = "web_search_options"
"""The parameter that adds a tool to those of `tools`."""

_NO_KEYS: Mapping[str, str] = MappingProxyType({})


class ToolBox:
    """The tools of one request, and what the answer needs in order to name them back.

    Attributes:
        definitions: in Claude's form, in the caller's order.
        names: the caller's names and Claude's.
        wrapped: wire name -> the key under which a schema that is no object was wrapped.
        custom: wire names of custom tools.
        legacy: whether the caller used `functions`, and so expects `function_call`.
    """

    def __init__(
        self,
        definitions: tuple[Mapping[str, Any], ...] = (),
        names: ToolNames | None = None,
        wrapped: Mapping[str, str] = _NO_KEYS,
        custom: frozenset[str] = frozenset(),
        *,
        legacy: bool = False,
    ) -> None:
        self.definitions = definitions
        self.names = names or ToolNames()
        self.wrapped = wrapped
        self.custom = custom
        self.legacy = legacy

    def wrap_input(self, name: str, value: Any) -> dict[str, Any] | None:
        """The `input` of a call in history; None where it cannot be an object."""
        key = self.wrapped.get(self.names.to_wire(name))
        if key is not None:
            return {key: value}
        return dict(value) if isinstance(value, Mapping) else None

    def unwrap_input(self, wire_name: str, value: Any) -> Any:
        """What the caller's schema describes, from what Claude sent."""
        key = self.wrapped.get(wire_name)
        if key is not None and isinstance(value, Mapping) and key in value:
            return value[key]
        return value


def tool_box(
    request: Mapping[str, Any], receipts: Receipts, *, takes_strict: bool = True
) -> ToolBox:
    """The tools of a request: `tools` or the older `functions`, and `web_search_options`.

    Args:
        request: the caller's JSON.
        receipts: where adaptations are written down.
        takes_strict: whether the model has strict tools.

    Raises:
        Refusal: for both at once, duplicate names, and tools that are none.
    """
    tools, functions = request.get("tools"), request.get("functions")
    if tools is None and functions is None and request.get(SEARCH) is None:
        return ToolBox()
    if functions is not None and tools is not None:
        message = "`functions` and `tools` cannot be used together; move all to `tools`."
        raise Refusal(message, param="functions", code="invalid_value")
    if functions is not None:
        items = checks.sequence(functions, "functions")
        entries = [(f"functions[{i}]", item) for i, item in enumerate(items)]
        tools_in_form = [(at, {"type": "function", "function": item}) for at, item in entries]
    else:
        items = checks.sequence(tools, "tools") if tools is not None else ()
        tools_in_form = [(f"tools[{i}]", item) for i, item in enumerate(items)]
    # Most requests have no tools, and what makes them is a sixth of our import.
    from claif_cla.translate.chat.tool_definitions import Definitions  # noqa: PLC0415 - see above

    if request.get(SEARCH) is not None:
        tools_in_form.append((SEARCH, web_search_tool(request[SEARCH], receipts)))
    legacy, answer = functions is not None, request.get("response_format")
    made = Definitions(receipts, legacy=legacy, takes_strict=takes_strict, answer=answer)
    return made.build(tools_in_form)
