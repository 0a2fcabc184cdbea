"""`tool_choice`, `function_call` and `parallel_tool_calls` as Claude's `tool_choice`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.web_search import TOOL_NAME

__all__ = ["function_call_patch", "parallel_patch", "settle_tool_choice", "tool_choice_patch"]

_WORDS = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


def tool_choice_patch(value: Any, context: Context) -> dict[str, Any]:
    """OpenAI's `tool_choice`, also in Anthropic's own form, as `{"tool_choice": …}`."""
    if isinstance(value, str):
        choice: dict[str, Any] = {"type": _WORDS[checks.one_of(value, "tool_choice", [*_WORDS])]}
        return _with_tools(choice, context, "tool_choice")
    given = checks.mapping(value, "tool_choice")
    kind = given.get("type")
    if kind == "allowed_tools":
        return _allowed_tools(given, context)
    if kind in ("auto", "any", "none"):  # Anthropic's own form
        return _with_tools(dict(given), context, "tool_choice")
    if kind == "tool":
        patch = _named(given.get("name"), context, "tool_choice.name")
        return {"tool_choice": {**given, **patch["tool_choice"]}}
    kinds = ("function", "custom", "allowed_tools")
    kind = checks.one_of(kind, "tool_choice.type", kinds)
    named = checks.mapping(given.get(kind, given), f"tool_choice.{kind}")
    return _named(named.get("name"), context, f"tool_choice.{kind}.name")


def function_call_patch(value: Any, context: Context) -> dict[str, Any]:
    """The legacy `function_call`: `none`, `auto` or `{"name": …}`."""
    if isinstance(value, str):
        word = checks.one_of(value, "function_call", ("auto", "none"))
        return _with_tools({"type": word}, context, "function_call")
    name = checks.mapping(value, "function_call").get("name")
    return _named(name, context, "function_call.name")


def parallel_patch(value: Any, context: Context) -> dict[str, Any]:
    """`parallel_tool_calls: false` is a flag of Claude's `tool_choice`."""
    if checks.boolean(value, "parallel_tool_calls") or not context.tools.definitions:
        return {}
    return {"tool_choice": {"disable_parallel_tool_use": True}}


def _named(name: Any, context: Context, param: str) -> dict[str, Any]:
    name = checks.string(name, param)
    if name not in context.tools.names:
        message = f"`{param}`: no tool is named {name!r}; add it to `tools`."
        raise Refusal(message, param=param, code="invalid_value")
    return {"tool_choice": {"type": "tool", "name": context.tools.names.to_wire(name)}}


def _with_tools(choice: dict[str, Any], context: Context, param: str) -> dict[str, Any]:
    if context.tools.definitions:
        return {"tool_choice": choice}
    if choice["type"] in ("auto", "none"):
        return {}
    message = f"`{param}` forces a tool call, but the request has no `tools`."
    raise Refusal(message, param=param, code="invalid_value")


def _allowed_tools(given: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Only the allowed tools are sent; there is no other way to allow a subset.

    The tools come first in Claude's prompt, so this starts a prompt cache of its own. Where none
    may be called, or the only one must be, another choice says the same and the tools stay.
    """
    at = "tool_choice.allowed_tools"
    allowed = checks.mapping(given.get("allowed_tools", given), at)
    mode = checks.one_of(allowed.get("mode"), f"{at}.mode", ("auto", "required"))
    listed = checks.sequence(allowed.get("tools"), f"{at}.tools")
    chosen = [_allowed(item, f"{at}.tools[{n}]", context) for n, item in enumerate(listed)]
    names = {choice["name"] for choice in chosen}
    if mode == "required" and not names:
        message = f"`{at}.tools` is empty, but one of them must be called; name one at least."
        raise Refusal(message, param=f"{at}.tools", code="invalid_value")
    choice = chosen[0] if mode == "required" and len(names) == 1 else {"type": _WORDS[mode]}
    if choice["type"] == "tool" and context.model.forced_tool_choice:
        return {"tool_choice": choice}
    if context.request.get("web_search_options") is not None:
        names.add(TOOL_NAME)  # asked for beside the tools, so it is none of those to choose from
    if not names:
        return _with_tools({"type": "none"}, context, "tool_choice")
    tools = [tool for tool in context.tools.definitions if tool.get("name") in names]
    return {"tools": tools, "tool_choice": choice}


def _allowed(item: Any, at: str, context: Context) -> dict[str, Any]:
    tool = checks.mapping(item, at)
    inner = checks.mapping(tool.get(str(tool.get("type")), tool), at)
    choice: dict[str, Any] = _named(inner.get("name"), context, f"{at}.name")["tool_choice"]
    return choice


def settle_tool_choice(body: dict[str, Any], context: Context) -> None:
    """Complete and correct the merged `tool_choice` of `body` in place.

    - The flag for parallel calls needs a type beside it, and `none` takes no flag.
    - A legacy answer holds one `function_call`, so only one may be made.
    - A model that refuses forced choice gets `auto` and an instruction instead, and is asked once
      more if it calls nothing.
    """
    if not body.get("tools"):
        body.pop("tools", None)
        body.pop("tool_choice", None)
        return
    choice = dict(body.get("tool_choice") or {})
    if context.tools.legacy:
        choice["disable_parallel_tool_use"] = True
    if not choice:
        return
    choice = {"type": "auto"} | choice
    if choice["type"] == "none":
        choice.pop("disable_parallel_tool_use", None)
    elif choice["type"] in ("any", "tool") and not context.model.forced_tool_choice:
        choice = _instead_of_force(choice, context)
    body["tool_choice"] = choice


def _instead_of_force(choice: dict[str, Any], context: Context) -> dict[str, Any]:
    named = choice.pop("name", None)
    what = f"the tool `{named}`" if named else "one of the tools"
    detail = f"`{context.model.id}` takes no forced choice; it is told to make the call, twice if"
    detail += " it does not at once."
    param = "tool_choice" if context.request.get("tool_choice") is not None else "function_call"
    context.receipts.adapt(param, detail)
    context.instructions.append(f"You must answer this turn by calling {what}, not with text.")
    context.insistence.append(f"Call {what} now: your answer has to be that call.")
    return choice | {"type": "auto"}
