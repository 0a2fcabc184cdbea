"""An assistant message of the history as the blocks that Claude once sent, or could have sent.

Three sources, the most faithful first: `content_blocks` (our own complete echo), the signed
`thinking_blocks` beside OpenAI's fields, and OpenAI's fields alone. Unsigned reasoning is never
sent: the API refuses it, and as visible text it would change what the assistant said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.content import Block, blocks, text_block
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.tools import CUSTOM_INPUT
from claif_cla.wire import json_text

__all__ = ["AssistantTurn", "assistant_turn"]

RAW_ARGUMENTS = "_raw"
"""The property that holds arguments in history that are no JSON object."""

_TOOL_USE = "tool_use"


@dataclass(slots=True)
class AssistantTurn:
    """The blocks of one message, and its client-side calls with the ids the caller gave them."""

    blocks: list[Block] = field(default_factory=list)
    calls: list[tuple[str, Block]] = field(default_factory=list)


def assistant_turn(message: Mapping[str, Any], at: str, context: Context) -> AssistantTurn:
    """Raises `Refusal`, naming the field, for what is no assistant message."""
    if isinstance(message.get("audio"), Mapping):
        detail = "Claude keeps no audio; send its transcript as `content`."
        context.receipts.refuse(f"{at}.audio", detail, code="unsupported_value")
    spoken = blocks(message.get("content"), "assistant", f"{at}.content", context.receipts)
    refusal = message.get("refusal")
    if refusal is not None and not spoken:
        spoken = text_block(checks.string(refusal, f"{at}.refusal"))
    called = _tool_calls(message, at, context)
    made = _echo(message, spoken, called)
    if made is None:
        made = [*_thinking(message, context), *spoken, *called]
    made = _settle(made, context)
    turn = AssistantTurn(made)
    for number, block in enumerate(made):
        if block["type"] == _TOOL_USE:
            turn.calls.append((block.get("id") or f"call_{number}", block))
    return turn


def _settle(made: list[Block], context: Context) -> list[Block]:
    """Drop what this model cannot read back: thinking, for a model that has none."""
    if context.model.thinking.types:
        return made
    return [block for block in made if block["type"] not in ("thinking", "redacted_thinking")]


def _tool_calls(message: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    made = []
    tool_calls = message.get("tool_calls")
    for index, item in enumerate(checks.sequence(tool_calls or (), f"{at}.tool_calls")):
        where = f"{at}.tool_calls[{index}]"
        made.append(_tool_use(checks.mapping(item, where), where, context))
    function_call = message.get("function_call")
    if function_call is not None:
        where = f"{at}.function_call"
        call = {"function": checks.mapping(function_call, where)}
        made.append(_tool_use(call, at, context) | {"id": ""})
    return made


def _tool_use(call: Mapping[str, Any], where: str, context: Context) -> Block:
    kind = "custom" if "custom" in call else "function"
    where += f".{kind}"
    inner = checks.mapping(call.get(kind), where)
    name = checks.string(inner.get("name"), f"{where}.name")
    if kind == "custom":
        value: Any = {CUSTOM_INPUT: checks.string(inner.get("input"), f"{where}.input")}
    else:
        value = _arguments(inner.get("arguments"), name, f"{where}.arguments", context)
    given = call.get("id")
    block = {
        "type": _TOOL_USE,
        "id": given if isinstance(given, str) else "",
        "name": context.tools.names.to_wire(name),
        "input": value,
    }
    marker = call.get("cache_control")
    return block | ({"cache_control": marker} if marker is not None else {})


def _arguments(text: Any, name: str, where: str, context: Context) -> dict[str, Any]:
    if text is None or text == "":
        return {}
    if isinstance(text, Mapping):  # some clients keep arguments parsed
        return context.tools.wrap_input(name, text) or {}
    try:
        value = json_text.load(checks.string(text, where))
    except ValueError:
        value = None
    wrapped = context.tools.wrap_input(name, value)
    if wrapped is not None:
        return wrapped
    detail = "arguments that are no JSON object are sent as text in one property."
    context.receipts.adapt("messages[].tool_calls[].function.arguments", detail)
    return {RAW_ARGUMENTS: text}


def _echo(message: Mapping[str, Any], spoken: list[Block], called: list[Block]) -> Any:
    """`content_blocks` as they are, if they still say what OpenAI's fields say.

    A caller may have edited the message: then the fields win and the echo is dropped.
    """
    echo = message.get("content_blocks")
    if not isinstance(echo, list) or not echo:
        return None
    if not all(isinstance(block, Mapping) and "type" in block for block in echo):
        return None
    texts = [block.get("text") for block in echo if block["type"] == "text"]
    uses = [block for block in echo if block["type"] == _TOOL_USE]
    # Joints between text blocks may hold a blank line of ours, so white space does not count.
    heard = "".join("".join(map(str, texts)).split())
    said = "".join("".join(str(block.get("text")) for block in spoken).split())
    if heard != said or [use.get("id") for use in uses] != [call["id"] for call in called]:
        return None
    kept = [{key: value for key, value in block.items() if key != "index"} for block in echo]
    return [block for block in kept if not _is_blank(block) and _is_signed(block)]


def _is_blank(block: Mapping[str, Any]) -> bool:
    return block["type"] == "text" and not str(block.get("text") or "").strip()


def _is_signed(block: Mapping[str, Any]) -> bool:
    if block["type"] == "thinking":
        return isinstance(block.get("signature"), str) and bool(block["signature"])
    if block["type"] == "redacted_thinking":
        return isinstance(block.get("data"), str) and bool(block["data"])
    return True


def _thinking(message: Mapping[str, Any], context: Context) -> list[Block]:
    found = message.get("thinking_blocks")
    if not isinstance(found, list):
        found = _reasoning_details(message.get("reasoning_details"))
    signed = []
    for block in found:
        if not isinstance(block, Mapping):
            continue
        if block.get("type") == "thinking":
            keys: tuple[str, ...] = ("type", "thinking", "signature")
        elif block.get("type") == "redacted_thinking":
            keys = ("type", "data")
        else:
            continue
        kept = {"thinking": ""} if "thinking" in keys else {}
        kept |= {key: block[key] for key in keys if key in block}
        if _is_signed(kept):
            signed.append({key: kept[key] for key in keys})
        else:
            detail = "thinking without a signature cannot be sent back."
            context.receipts.drop("messages[].thinking_blocks", detail)
    return signed


def _reasoning_details(details: Any) -> list[Block]:
    """OpenRouter's spelling of signed thinking."""
    made: list[Block] = []
    for item in details if isinstance(details, list) else ():
        if not isinstance(item, Mapping):
            continue
        if item.get("type") == "reasoning.text":
            thinking = {"type": "thinking", "thinking": item.get("text") or ""}
            made.append(thinking | {"signature": item.get("signature")})
        elif item.get("type") == "reasoning.encrypted":
            made.append({"type": "redacted_thinking", "data": item.get("data")})
    return made
