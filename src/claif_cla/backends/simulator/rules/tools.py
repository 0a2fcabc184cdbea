"""Rules about tools, `tool_choice` and structured outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.rules.schemas import check_closed_schema, check_schema, complexity
from claif_cla.backends.simulator.rules.shapes import fail
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["check_output_format", "check_tool_choice", "check_tools", "output_format"]

_MAX_STRICT_TOOLS = 20
_MAX_OPTIONAL = 24
_MAX_UNIONS = 16


def check_tools(tools: Sequence[Mapping[str, Any]]) -> None:
    """Unique names, valid schemas, and the limits on strict tools."""
    names = [tool["name"] for tool in tools if isinstance(tool.get("name"), str)]
    if len(set(names)) < len(names):
        fail("tools", "Tool names must be unique.")
    strict = []
    for index, tool in enumerate(tools):
        schema = tool.get("input_schema")
        if not isinstance(schema, dict):
            continue
        check_schema(schema, f"tools.{index}.custom.input_schema")
        if tool.get("strict"):
            strict.append(schema)
            check_closed_schema(schema, f"tools.{index}.custom")
    if len(strict) > _MAX_STRICT_TOOLS:
        fail(
            "tools",
            f"Too many strict tools ({len(strict)}). The maximum number of strict tools "
            f"supported is {_MAX_STRICT_TOOLS}. Try reducing the number of tools marked as strict.",
        )
    _check_complexity(strict)


def _check_complexity(schemas: Sequence[Mapping[str, Any]]) -> None:
    optional = unions = 0
    for schema in schemas:
        more_optional, more_unions = complexity(schema)
        optional, unions = optional + more_optional, unions + more_unions
    if optional > _MAX_OPTIONAL:
        raise Rejection(
            f"Schemas contains too many optional parameters ({optional}), which would make "
            "grammar compilation inefficient. Reduce the number of optional parameters in your "
            f"tool schemas (limit: {_MAX_OPTIONAL})."
        )
    if unions > _MAX_UNIONS:
        raise Rejection(
            f"Schemas contains too many parameters with union types ({unions}), which would "
            "make grammar compilation inefficient. Reduce the number of parameters with union "
            f"types (limit: {_MAX_UNIONS})."
        )


def check_tool_choice(payload: Mapping[str, Any], model: ModelInfo) -> None:
    """`tool_choice` needs tools, a known name, and a model that may be forced."""
    choice = payload.get("tool_choice")
    if choice is None:
        return
    tools = payload.get("tools") or ()
    if not tools:
        raise Rejection("tool_choice may only be specified while providing tools")
    if choice["type"] not in ("any", "tool"):
        return
    if not model.forced_tool_choice:
        fail(
            "tool_choice",
            f"type '{choice['type']}' forces tool use, which is not supported on this model. "
            "Use type 'auto'.",
        )
    if (payload.get("thinking") or {}).get("type") == "enabled":
        raise Rejection("Thinking may not be enabled when tool_choice forces tool use.")
    if choice["type"] == "tool" and choice["name"] not in [tool.get("name") for tool in tools]:
        raise Rejection(f"Tool '{choice['name']}' not found in provided tools")


def output_format(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The format that the answer must have; the beta spelling `output_format` counts too."""
    beta = payload.get("output_format")
    if beta is not None and not isinstance((beta or {}).get("schema"), dict):
        fail("output_format.schema", "Field required")
    found: Mapping[str, Any] | None = (payload.get("output_config") or {}).get("format") or beta
    return found


def check_output_format(payload: Mapping[str, Any], model: ModelInfo) -> bool:
    """`output_config.format`, where given; returns whether it is."""
    wanted = output_format(payload)
    if wanted is None:
        return False
    if not model.structured_outputs:
        fail("output_config.format", "structured outputs are not supported on this model")
    path = "output_config.format.schema"
    check_schema(wanted["schema"], path)
    check_closed_schema(wanted["schema"], path)
    _check_complexity([wanted["schema"]])
    return True
