"""`response_format` as Claude's `output_config.format`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context
from claif_cla.translate.schema.convert import output_schema
from claif_cla.wire import json_text

__all__ = ["response_format_patch"]

_JSON_OBJECT = "Answer with a single JSON object and nothing else: no prose, no code fence."


def response_format_patch(value: Any, context: Context) -> dict[str, Any]:
    """Raises `Refusal` for a schema that cannot be sent, naming its place."""
    given = checks.mapping(value, "response_format")
    kinds = ("text", "json_object", "json_schema")
    kind = checks.one_of(given.get("type"), "response_format.type", kinds)
    if kind == "text":
        return {}
    if kind == "json_object":
        detail = "Claude has no JSON mode without a schema; it is told to answer in JSON."
        context.receipts.adapt("response_format", detail)
        context.instructions.append(_JSON_OBJECT)
        return {}
    at = "response_format.json_schema"
    return _json_schema(checks.mapping(given.get("json_schema"), at), at, context)


def _json_schema(given: Mapping[str, Any], at: str, context: Context) -> dict[str, Any]:
    if given.get("schema") is None:
        message = f"Missing required parameter: `{at}.schema`."
        raise Refusal(message, param=f"{at}.schema", code="missing_required_parameter")
    schema = json_text.plain(checks.mapping(given["schema"], f"{at}.schema"))
    rewritten = output_schema(schema, param=f"{at}.schema")
    if rewritten.wrapped is not None:
        message = f"`{at}.schema` must describe an object at its root, as OpenAI demands too."
        raise Refusal(message, param=f"{at}.schema", code="invalid_value")
    for note in rewritten.notes:
        context.receipts.adapt("response_format", note)
    wire = dict(rewritten.schema)
    if given.get("description") is not None and "description" not in wire:
        wire["description"] = checks.string(given["description"], f"{at}.description")
    if context.model.structured_outputs:
        return {"output_config": {"format": {"type": "json_schema", "schema": wire}}}
    detail = f"{context.model.id} has no structured outputs; it is told the schema."
    context.receipts.adapt("response_format", detail)
    text = json_text.dump_text(schema)
    context.instructions.append(f"{_JSON_OBJECT} It must match this JSON Schema: {text}")
    return {}
