"""An assistant message of the history as the blocks that Claude once sent, or could have sent.

Four sources, the most faithful first: `content_blocks` (our own complete echo), what is remembered
of an answer that comes back stripped, the signed `thinking_blocks` beside OpenAI's fields, and
OpenAI's fields alone. Unsigned reasoning is never
sent: the API refuses it, and as visible text it would change what the assistant said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from claif_cla.translate import checks
from claif_cla.translate.chat.binding import THINKING, thinking_key
from claif_cla.translate.chat.content import Block, blocks, is_the_assistants, mark_last, text_block
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.tools import CUSTOM_INPUT
from claif_cla.wire import json_text

__all__ = ["ASSISTANT_FIELDS", "AssistantTurn", "assistant_turn"]

ASSISTANT_FIELDS = (
    "tool_calls function_call refusal audio reasoning_content thinking_blocks reasoning_details"
    " content_blocks annotations container parsed"
).split()
"""The fields of an assistant's message that are read, or that only describe the others."""

_OF_A_CALL = ("id", "type", "index", "function", "custom", "cache_control")

RAW_ARGUMENTS = "_raw"
"""The property that holds arguments in history that are no JSON object."""

_TOOL_USE = "tool_use"


class AssistantTurn(NamedTuple):
    """The blocks of one message, and its client-side calls with the ids the caller gave them."""

    blocks: list[Block]
    calls: list[tuple[str, Block]]


def assistant_turn(
    message: Mapping[str, Any], at: str, context: Context, remembered: Any = None
) -> AssistantTurn:
    """The turn of one message.

    Args:
        message: of the caller's request.
        at: its place, for refusals.
        context: of the request.
        remembered: the complete content that the message once had, where it is known.

    Raises:
        Refusal: naming the field, for what is no assistant message.
    """
    spoken = blocks(message.get("content"), "assistant", f"{at}.content", context)
    if message.get("audio") is not None:
        heard = _transcript(checks.mapping(message["audio"], f"{at}.audio"), at, context)
        spoken = spoken or heard
    if message.get("refusal") is not None and not spoken:
        spoken = text_block(checks.string(message["refusal"], f"{at}.refusal"))
    called = _tool_calls(message, at, context)
    restored = None
    made = _echo(message.get("content_blocks"), spoken, called)
    if made is None:
        made = restored = _echo(remembered, spoken, called)
    if made is None:
        made = _composed(message, spoken, called, context)
    turn = AssistantTurn(_readable(made, context, callers=restored is None), [])
    for number, block in enumerate(turn.blocks):
        if block["type"] == _TOOL_USE:
            checks.string(block.get("name"), f"{at}.content[{number}].name")
            given = checks.string(block.get("id", ""), f"{at}.content[{number}].id")
            turn.calls.append((given or f"call_{number}", block))
    return turn


def _transcript(audio: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    made = text_block(checks.string(audio.get("transcript") or "", f"{at}.audio.transcript"))
    if made:
        context.receipts.adapt(f"{at}.audio", "Claude keeps no audio; its transcript is sent.")
    else:
        detail = "Claude keeps no audio; send its transcript as `content`."
        context.receipts.refuse(f"{at}.audio", detail, code="unsupported_value")
    return made


def _composed(
    message: Mapping[str, Any], spoken: list[Block], called: list[Block], context: Context
) -> list[Block]:
    """The blocks of all fields; some clients write a block into `content` and beside it."""
    known = [block.get("id") for block in spoken if block["type"] == _TOOL_USE]
    thinking: list[Block] = []
    if not any(block["type"] in THINKING for block in spoken):
        thinking = _thinking(message)
        if not thinking and message.get("reasoning_content"):
            detail = "Reasoning without its signed `thinking_blocks` cannot be sent back."
            context.receipts.drop("messages[].reasoning_content", detail)
    return [*thinking, *spoken, *(call for call in called if call["id"] not in known)]


def _readable(made: list[Block], context: Context, *, callers: bool) -> list[Block]:
    """Without what this model cannot read back: unsigned thinking, or any if it has none.

    Args:
        made: the blocks of one message.
        context: of the request.
        callers: whether the caller sent them. Leaving out what only we remembered takes nothing
            of theirs away.
    """
    kept = [block for block in made if _is_signed(block)]
    if len(kept) < len(made):
        detail = "Thinking without a signature cannot be sent back."
        context.receipts.drop("messages[].thinking_blocks", detail)
    if context.unfit:
        kept = _fitting(kept, context, callers=callers)
    plain = [block for block in kept if block["type"] not in THINKING]
    if context.model.thinking.types or len(plain) == len(kept):
        return kept
    if callers:
        context.receipts.drop("messages[].thinking_blocks", f"`{context.model.id}` cannot think.")
    return plain


def _fitting(made: list[Block], context: Context, *, callers: bool) -> list[Block]:
    """Without the thinking that the conversation has changed before."""
    unfit = [b for b in made if b["type"] in THINKING and thinking_key(b) in context.unfit]
    if unfit and (callers or context.receipts.compat != "strict"):
        detail = "Thinking that no longer fits the conversation was left out."
        context.receipts.drop("messages", detail)
    return [block for block in made if block not in unfit]


def _tool_calls(message: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    made = []
    tool_calls = message.get("tool_calls")
    tool_calls = () if tool_calls is None else checks.sequence(tool_calls, f"{at}.tool_calls")
    for index, item in enumerate(tool_calls):
        where = f"{at}.tool_calls[{index}]"
        made.append(_tool_call(checks.mapping(item, where), where, context))
    if message.get("function_call") is not None:
        made.append(_function(message["function_call"], f"{at}.function_call", context))
    return made


def _tool_call(call: Mapping[str, Any], where: str, context: Context) -> Block:
    if call.get("custom") is not None:
        block = _custom(call["custom"], f"{where}.custom", context)
    else:
        block = _function(call.get("function"), f"{where}.function", context)
    context.receipts.unread(call, _OF_A_CALL, where)
    if call.get("id") is not None:
        block["id"] = checks.string(call["id"], f"{where}.id")
    if call.get("cache_control") is not None:
        block["cache_control"] = call["cache_control"]
    return block


def _custom(value: Any, where: str, context: Context) -> Block:
    custom = checks.mapping(value, where)
    context.receipts.unread(custom, ("name", "input"), where)
    name = checks.string(custom.get("name"), f"{where}.name")
    text = checks.string(custom.get("input"), f"{where}.input")
    return _tool_use(name, {CUSTOM_INPUT: text}, context)


def _function(value: Any, where: str, context: Context) -> Block:
    function = checks.mapping(value, where)
    context.receipts.unread(function, ("name", "arguments", "parsed_arguments"), where)
    name = checks.string(function.get("name"), f"{where}.name")
    arguments = _arguments(function.get("arguments"), name, f"{where}.arguments", context)
    return _tool_use(name, arguments, context)


def _tool_use(name: str, value: Mapping[str, Any], context: Context) -> Block:
    # The id is the caller's until the conversation gives out legal ones; `function_call` has none.
    return {"type": _TOOL_USE, "id": "", "name": context.tools.names.to_wire(name), "input": value}


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
    detail = "Arguments that are no JSON object are sent as text in one property."
    context.receipts.adapt(where, detail)
    return {RAW_ARGUMENTS: text}


def _echo(given: Any, spoken: list[Block], called: list[Block]) -> list[Block] | None:
    """The blocks `given` as they are, if they still say what OpenAI's fields say.

    A caller may have edited the message: then the fields win and the echo is dropped.
    """
    echo = _objects(given)
    if not echo or not all(map(is_the_assistants, echo)):
        return None
    if not _says_the_same(echo, spoken, called):
        return None
    # `index` is what openai's stream accumulator leaves in list items; the API refuses it. It
    # refuses empty text too, but takes white space that Claude wrote beside other blocks.
    kept = [{key: value for key, value in block.items() if key != "index"} for block in echo]
    kept = [block for block in kept if block.get("text") != ""]
    if all(_is_white(block) for block in kept):
        return []
    markers = [block["cache_control"] for block in (*spoken, *called) if "cache_control" in block]
    mark_last(kept, markers[-1] if markers else None)
    return kept


def _says_the_same(echo: list[Block], spoken: list[Block], called: list[Block]) -> bool:
    # Joints between text blocks may hold a blank line of ours, so white space does not count.
    heard = "".join(str(block.get("text", "")) for block in echo if block["type"] == "text")
    said = "".join(block.get("text", "") for block in spoken)
    uses = [block for block in echo if block["type"] == _TOOL_USE]
    return (
        "".join(heard.split()) == "".join(said.split())
        and len(uses) == len(called)
        and all(map(_is_same_call, uses, called))
    )


def _is_same_call(use: Block, call: Block) -> bool:
    same_id = call["id"] in ("", use.get("id"))  # the older `function_call` has none
    return same_id and use.get("name") == call["name"] and use.get("input") == call["input"]


def _is_white(block: Mapping[str, Any]) -> bool:
    return block["type"] == "text" and not block["text"].strip()


def _objects(value: Any) -> list[Block]:
    """The items of a list of typed objects; none if it is something else."""
    items = value if isinstance(value, (list, tuple)) else ()
    return list(items) if all(map(_is_block, items)) else []


def _is_block(item: Any) -> bool:
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
        return False
    return item["type"] != "text" or isinstance(item.get("text"), str)


def _is_signed(block: Mapping[str, Any]) -> bool:
    proof = {"thinking": "signature", "redacted_thinking": "data"}.get(block["type"])
    return proof is None or (isinstance(block.get(proof), str) and bool(block[proof]))


def _thinking(message: Mapping[str, Any]) -> list[Block]:
    """The thinking beside OpenAI's fields, with nothing but the keys that the API knows."""
    made: list[Block] = []
    for block in _objects(message.get("thinking_blocks")) or _reasoning_details(message):
        if block["type"] == "thinking":
            text = block.get("thinking")
            made.append({"type": "thinking", "thinking": text if isinstance(text, str) else ""})
            made[-1]["signature"] = block.get("signature")
        elif block["type"] == "redacted_thinking":
            made.append({"type": "redacted_thinking", "data": block.get("data")})
    return made


def _reasoning_details(message: Mapping[str, Any]) -> list[Block]:
    """OpenRouter's spelling of signed thinking."""
    made: list[Block] = []
    for item in _objects(message.get("reasoning_details")):
        if item["type"] == "reasoning.text":
            made.append({"type": "thinking", "thinking": item.get("text")})
            made[-1]["signature"] = item.get("signature")
        elif item["type"] == "reasoning.encrypted":
            made.append({"type": "redacted_thinking", "data": item.get("data")})
    return made
