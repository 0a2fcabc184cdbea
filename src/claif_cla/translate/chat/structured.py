"""`response_format` as Claude's `output_config.format`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context
from claif_cla.wire import json_text

if TYPE_CHECKING:
    from claif_cla.translate.schema.convert import Rewritten

__all__ = ["asks_in_words", "response_format_patch", "settle_format"]

_IN_WORDS = "Answer with a single JSON"
_BARE = ", and a code fence around its answer is removed"


def asks_in_words(context: Context) -> bool:
    """Whether JSON is asked for that Claude is only told to give, so that it may come fenced."""
    return any(sentence.startswith(_IN_WORDS) for sentence in context.instructions)


def response_format_patch(value: Any, context: Context) -> dict[str, Any]:
    """Raises `Refusal` for a schema that cannot be sent, naming its place."""
    given = checks.mapping(value, "response_format")
    kinds = ("text", "json_object", "json_schema")
    kind = checks.one_of(given.get("type"), "response_format.type", kinds)
    if kind == "text":
        return {}
    if kind == "json_object":
        detail = f"Claude has no JSON mode without a schema; it is told to answer in JSON{_BARE}."
        context.receipts.adapt("response_format", detail)
        _tell(context)
        return {}
    at = "response_format.json_schema"
    return _json_schema(checks.mapping(given.get("json_schema"), at), at, context)


def _json_schema(given: Mapping[str, Any], at: str, context: Context) -> dict[str, Any]:
    if given.get("schema") is None:
        message = f"Missing required parameter: `{at}.schema`."
        raise Refusal(message, param=f"{at}.schema", code="missing_required_parameter")
    schema = json_text.plain(checks.mapping(given["schema"], f"{at}.schema"))
    if given.get("description") is not None:
        text = checks.string(given["description"], f"{at}.description")
        schema = {"description": text} | schema
    if not context.model.structured_outputs:
        detail = f"`{context.model.id}` has no structured outputs; it is told the schema{_BARE}."
        context.receipts.adapt("response_format", detail)
        _tell(context, schema)
        return {}
    try:
        rewritten = _compiled(schema, f"{at}.schema")
    except Refusal as refusal:
        why = refusal.message.rstrip(".")
        if context.receipts.compat != "lenient":
            advice = "With compat='lenient' Claude is told the schema in words."
            message = f"`{at}.schema`: {why}. {advice}"
            raise Refusal(message, param=refusal.param, code=refusal.code) from None
        told = f"Claude is told the schema{_BARE}: {why}."
        context.receipts.adapt("response_format", told)
        _tell(context, schema)
        return {}
    for note in rewritten.notes:
        context.receipts.adapt("response_format", f"{note[:1].upper()}{note[1:]}.")
    return {"output_config": {"format": {"type": "json_schema", "schema": rewritten.schema}}}


def _compiled(schema: Mapping[str, Any], at: str) -> Rewritten:
    # Its ten modules are loaded by the first schema.
    from claif_cla.translate.schema.convert import output_schema  # noqa: PLC0415 - see above

    rewritten = output_schema(schema, param=at)
    if rewritten.wrapped is not None:
        message = "the root of the schema must describe an object, as OpenAI demands too"
        raise Refusal(message, param=at, code="invalid_value")
    return rewritten


def _tell(context: Context, schema: Mapping[str, Any] | None = None) -> None:
    """Ask for JSON in words, which is all that can be done where no schema can be compiled."""
    kind = "object" if schema is None or schema.get("type", "object") == "object" else "value"
    text = f"{_IN_WORDS} {kind} and nothing else: no prose, no code fence."
    if schema is not None:
        text += f" It must match this JSON Schema: {json_text.dump_text(schema)}"
    context.instructions.append(text)


def settle_format(body: dict[str, Any], context: Context) -> None:
    """Refuse a format that the API would not take: beside documents with citations (400)."""
    given, native = context.request.get("response_format"), context.request.get("output_config")
    config = {**body.get("output_config", {})}
    ours = not isinstance(native, Mapping) or native.get("format") is None
    if config.pop("format", None) is None or not ours or not _cites(body["messages"]):
        return
    detail = "Claude cites no documents in an answer by a schema."
    context.receipts.refuse("response_format", detail, code="unsupported_value", lenient="adapted")
    body.pop("output_config")
    body |= {"output_config": config} if config else {}
    _tell(
        context, json_text.plain(checks.mapping(given, "response_format")["json_schema"]["schema"])
    )


def _cites(holders: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a block with citations is in the content of a turn, or of a tool's result in it."""
    blocks = [
        block
        for holder in holders
        for block in holder.get("content") or ()
        if isinstance(block, Mapping)
    ]
    asked = (block.get("citations") for block in blocks)
    if any(isinstance(citations, Mapping) and citations.get("enabled") for citations in asked):
        return True
    results = [block for block in blocks if block.get("type") == "tool_result"]
    return bool(results) and _cites(results)
