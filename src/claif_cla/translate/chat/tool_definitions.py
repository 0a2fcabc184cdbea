"""The definitions of a request's tools: OpenAI's functions and custom tools in Claude's form.

Facts: Claude wants `input_schema.type` to be `object`, unique names of a narrower pattern than
some clients use, and compiles strict schemas only up to limits that all of a request share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.names import ToolNames
from claif_cla.translate.chat.tools import CUSTOM_INPUT, SEARCH, ToolBox
from claif_cla.translate.receipts import Receipts
from claif_cla.translate.schema.convert import (
    MAX_STRICT_OPTIONAL,
    MAX_STRICT_TOOLS,
    MAX_STRICT_UNIONS,
    Rewritten,
    StrictCost,
    output_schema,
    strict_cost,
    strict_tool_schema,
    tool_schema,
)
from claif_cla.wire import json_text

__all__ = ["Definitions"]

_EXTRAS = (
    "cache_control",
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
    "allowed_callers",
)
"""Anthropic's own tool fields that a caller may set on an OpenAI tool."""

_LIMITS = (
    f"the API compiles at most {MAX_STRICT_TOOLS} strict tools with {MAX_STRICT_OPTIONAL} optional"
    f" parameters and {MAX_STRICT_UNIONS} unions in all, `response_format` included"
)


def _cost_of(response_format: Any) -> StrictCost:
    """What the answer's own schema takes of the limits, which all schemas of a request share.

    One that cannot be compiled takes nothing; it is refused, or told in words, elsewhere.
    """
    try:
        schema = json_text.plain(response_format["json_schema"]["schema"])
        return strict_cost(output_schema(schema).schema)
    except (KeyError, TypeError, Refusal):
        return StrictCost(0, 0)


class Definitions:
    """Makes the `ToolBox` of one request.

    Args:
        receipts: where adaptations are written down.
        legacy: whether the tools came as `functions`.
        takes_strict: whether the model has strict tools.
        answer: the request's `response_format`, which shares the limits of strict schemas.
    """

    def __init__(
        self, receipts: Receipts, *, legacy: bool, takes_strict: bool, answer: Any
    ) -> None:
        self.receipts = receipts
        self.legacy = legacy
        self.takes_strict = takes_strict
        self.answer = answer
        self.names = ToolNames()
        self.wrapped: dict[str, str] = {}
        self.custom: set[str] = set()
        # What the strict tools so far, and the answer's format, take of the request's limits.
        self.strict = 0
        self.spent: StrictCost | None = None

    def build(self, items: Sequence[tuple[str, Any]]) -> ToolBox:
        """The tools of `items`, each with its place. Raises `Refusal` for what is no tool."""
        tools = [(param, checks.mapping(item, param)) for param, item in items]
        ours = [_given_name(tool, param) for param, tool in tools if not _is_native(tool)]
        natives = [tool["name"] for _, tool in tools if _is_native(tool) and _has_name(tool)]
        self.names = ToolNames.of([*natives, *ours])
        definitions = tuple(self._definition(tool, param) for param, tool in tools)
        _check_unique(definitions, tools)
        return ToolBox(
            definitions,
            self.names,
            MappingProxyType(self.wrapped),
            frozenset(self.custom),
            legacy=self.legacy,
        )

    def _definition(self, tool: Mapping[str, Any], param: str) -> Mapping[str, Any]:
        if _is_native(tool):
            return dict(tool)
        kind = tool.get("type", "function")
        build = self._custom if kind == "custom" else self._function
        definition = build(tool[kind], f"{param}.{kind}")
        definition |= {key: tool[key] for key in _EXTRAS if tool.get(key) is not None}
        return definition

    def _function(self, function: Mapping[str, Any], param: str) -> dict[str, Any]:
        name = self.names.to_wire(function["name"])
        try:
            schema = self._schema(function, param)
        except Refusal as error:
            if not str(error.param).startswith(param):
                raise  # of a receipt, in `strict`: it names the tool
            # Among fifty tools the name helps more than the index in the path.
            message = f"The tool `{function['name']}`: {error.message}"
            raise Refusal(message, param=error.param, code=error.code) from error
        if schema.wrapped is not None:
            self.wrapped[name] = schema.wrapped
        definition: dict[str, Any] = {"name": name, "input_schema": dict(schema.schema)}
        description = function.get("description")
        if description is not None:
            definition["description"] = checks.string(description, f"{param}.description")
        if schema.strict:
            definition["strict"] = True
        return definition | {key: function[key] for key in _EXTRAS if function.get(key) is not None}

    def _schema(self, function: Mapping[str, Any], param: str) -> Rewritten:
        """The schema, compiled where that was asked for and is affordable."""
        strict = function.get("strict")
        given, where = json_text.plain(function.get("parameters")), f"{param}.parameters"
        if strict is None or not checks.boolean(strict, f"{param}.strict"):
            return self._noted(function, tool_schema(given, param=where))
        if not self.takes_strict:
            return self._loosened(function, given, where, "this model has no strict tools")
        schema = strict_tool_schema(given, param=where)
        if schema.strict and not self._affords(schema):
            return self._loosened(function, given, where, _LIMITS)
        return self._noted(function, schema)

    def _affords(self, schema: Rewritten) -> bool:
        self.spent = self.spent or _cost_of(self.answer)
        cost = strict_cost(schema.schema)
        both = StrictCost(self.spent.optional + cost.optional, self.spent.unions + cost.unions)
        if self.strict >= MAX_STRICT_TOOLS or not both.affordable:
            return False
        self.strict, self.spent = self.strict + 1, both
        return True

    def _loosened(
        self, function: Mapping[str, Any], given: Any, where: str, reason: str
    ) -> Rewritten:
        self._note(function, "strict", f"{reason}; sent without `strict`")
        return self._noted(function, tool_schema(given, param=where))

    def _noted(self, function: Mapping[str, Any], schema: Rewritten) -> Rewritten:
        for note in schema.notes:
            self._note(function, "parameters", note)
        return schema

    def _note(self, function: Mapping[str, Any], field_name: str, note: str) -> None:
        place = "functions[]" if self.legacy else "tools[].function"
        self.receipts.adapt(f"{place}.{field_name}", f"`{function['name']}`: {note}.")

    def _custom(self, custom: Mapping[str, Any], param: str) -> dict[str, Any]:
        name = self.names.to_wire(custom["name"])
        self.custom.add(name)
        description = checks.string(custom.get("description") or "", f"{param}.description")
        grammar = custom.get("format") or {}
        if checks.mapping(grammar, f"{param}.format").get("type") == "grammar":
            # Chat Completions nests the grammar; the Responses API has it flat.
            rule = checks.mapping(grammar.get("grammar") or grammar, f"{param}.format.grammar")
            text = f"The input must match this {rule.get('syntax')} grammar:\n"
            text += str(rule.get("definition"))
            description = f"{description}\n\n{text}".strip()
            detail = "Claude constrains no free text; the grammar stands in the description."
            self.receipts.adapt("tools[].custom.format", detail)
        schema = {
            "type": "object",
            "properties": {CUSTOM_INPUT: {"type": "string"}},
            "required": [CUSTOM_INPUT],
            "additionalProperties": False,
        }
        definition: dict[str, Any] = {"name": name, "input_schema": schema}
        return definition | ({"description": description} if description else {})


def _is_native(tool: Mapping[str, Any]) -> bool:
    """Anthropic's own form: a schema under its name, or a server tool's dated type."""
    if "input_schema" in tool:
        return True
    return not any(isinstance(tool.get(kind), Mapping) for kind in ("function", "custom")) and (
        isinstance(tool.get("type"), str) and tool["type"] not in ("function", "custom")
    )


def _has_name(tool: Mapping[str, Any]) -> bool:
    return isinstance(tool.get("name"), str)


def _given_name(tool: Mapping[str, Any], param: str) -> str:
    kind = checks.one_of(tool.get("type", "function"), f"{param}.type", ("function", "custom"))
    if kind not in tool:
        message = f"Missing required parameter: `{param}.{kind}`."
        raise Refusal(message, param=f"{param}.{kind}", code="missing_required_parameter")
    inner = checks.mapping(tool[kind], f"{param}.{kind}")
    name = checks.string(inner.get("name"), f"{param}.{kind}.name")
    if not name:
        message = f"`{param}.{kind}.name` is empty; a tool needs a name."
        raise Refusal(message, param=f"{param}.{kind}.name", code="invalid_value")
    return name


def _check_unique(
    definitions: Iterable[Mapping[str, Any]], tools: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    seen: set[str] = set()
    for definition, (param, tool) in zip(definitions, tools, strict=True):
        name = definition.get("name")
        if not isinstance(name, str):  # a server tool without one
            continue
        if name in seen and param == SEARCH:
            message = f"`{param}` adds the tool `{name}`, but `tools` has one of that name already."
            raise Refusal(message, param=param, code="invalid_value")
        if name in seen:
            kind = next((k for k in ("function", "custom") if k in tool), None)
            where = f"{param}.{kind}.name" if kind else f"{param}.name"
            message = f"`{where}`: two tools have this name; tool names must be unique."
            raise Refusal(message, param=where, code="invalid_value")
        seen.add(name)
