"""A Message as a ChatCompletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from claif_cla.errors import MalformedAnswer
from claif_cla.translate.chat.tools import CUSTOM_INPUT, ToolBox
from claif_cla.translate.stop_reason import finish_reason
from claif_cla.translate.usage import service_tier, usage_to_openai
from claif_cla.wire import json_text

__all__ = ["annotation", "completion", "joint", "refusal_text", "tool_call"]

_BLANK_LINE = "\n\n"


def completion(message: Any, tools: ToolBox, now: int) -> dict[str, Any]:
    """The `ChatCompletion` JSON for a Message.

    Raises:
        MalformedAnswer: for JSON that is no Message.
    """
    if not isinstance(message, Mapping) or message.get("type") != "message":
        raise MalformedAnswer("the answer is JSON, but not a Message of the Messages API")
    blocks = message.get("content")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise MalformedAnswer("the answer's `content` is no list of content blocks")
    usage = message.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    result: dict[str, Any] = {
        "id": f"chatcmpl-{message.get('id') or ''}",
        "object": "chat.completion",
        "created": now,
        "model": message.get("model"),
        "choices": [_choice(message, blocks, tools)],
        "usage": usage_to_openai(usage),
        "system_fingerprint": None,
    }
    tier = service_tier(usage)
    return result | ({"service_tier": tier} if tier else {})


def _choice(message: Mapping[str, Any], blocks: list[Any], tools: ToolBox) -> dict[str, Any]:
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    stop_reason = message.get("stop_reason")
    choice: dict[str, Any] = {
        "index": 0,
        "message": _message(message, blocks, tools),
        "logprobs": None,
        "finish_reason": finish_reason(stop_reason, calls_tools=bool(uses), legacy=tools.legacy),
    }
    for key in ("stop_sequence", "stop_details"):
        if message.get(key) is not None:
            choice[key] = message[key]
    return choice


def _message(message: Mapping[str, Any], blocks: list[Any], tools: ToolBox) -> dict[str, Any]:
    text, annotations = _text(blocks)
    refused = message.get("stop_reason") == "refusal"
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    result: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (uses or refused) else None,
        "refusal": refusal_text(message.get("stop_details")) if refused else None,
    }
    if annotations:
        result["annotations"] = annotations
    if uses and tools.legacy:
        result["function_call"] = tool_call(uses[0], tools)["function"]
    elif uses:
        result["tool_calls"] = [tool_call(use, tools) for use in uses]
    return result | _reasoning(blocks) | {"content_blocks": [_clean(block) for block in blocks]}


def _clean(block: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key != "partial_json"}


def _reasoning(blocks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    thinking = [b for b in blocks if b.get("type") in ("thinking", "redacted_thinking")]
    if not thinking:
        return {}
    texts = [block["thinking"] for block in thinking if block.get("thinking")]
    result: dict[str, Any] = {"thinking_blocks": thinking}
    return result | ({"reasoning_content": _BLANK_LINE.join(texts)} if texts else {})


def _text(blocks: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """All text, and its web citations at their place in it."""
    pieces: list[str] = []
    annotations = []
    length = 0
    apart = False
    for block in blocks:
        if block.get("type") != "text":
            apart = bool(pieces)
            continue
        text = block.get("text") or ""
        if not text:
            continue
        between = joint(pieces[-1], text) if apart else ""
        apart = False
        start = length + len(between)
        length = start + len(text)
        pieces += [between, text] if between else [text]
        for citation in block.get("citations") or ():
            made = annotation(citation, start, length)
            annotations += [made] if made else []
    return "".join(pieces), annotations


def joint(before: str, after: str) -> str:
    """What goes between two texts that another block stood between."""
    return "" if before[-1:].isspace() or after[:1].isspace() else _BLANK_LINE


def annotation(citation: Any, start: int, end: int) -> dict[str, Any] | None:
    """A web citation as `url_citation`; None for citations of documents, which have no URL.

    Claude cites by whole text blocks, so `start` and `end` are the block's own place.
    """
    if not isinstance(citation, Mapping):
        return None
    url = citation.get("url") or citation.get("source")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None
    where = {"start_index": start, "end_index": end}
    cited = where | {"title": citation.get("title") or "", "url": url}
    return {"type": "url_citation", "url_citation": cited}


def tool_call(block: Mapping[str, Any], tools: ToolBox) -> dict[str, Any]:
    """A `tool_use` block as a tool call under the caller's own name for the tool."""
    wire_name = block.get("name") or ""
    name = tools.names.to_caller(wire_name)
    value = tools.unwrap_input(wire_name, block.get("input"))
    if wire_name in tools.custom and isinstance(value, Mapping):
        custom = {"name": name, "input": str(value.get(CUSTOM_INPUT, ""))}
        return {"id": block.get("id"), "type": "custom", "custom": custom}
    # A call that was cut by `max_tokens` has the JSON text it came to, as OpenAI returns it.
    arguments = block.get("partial_json")
    if arguments is None:
        arguments = json_text.dump_text({} if value is None else value)
    function = {"name": name, "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def refusal_text(stop_details: Any) -> str:
    """What stands in `message.refusal` when Claude declines."""
    details = stop_details if isinstance(stop_details, Mapping) else {}
    if isinstance(details.get("explanation"), str) and details["explanation"]:
        return str(details["explanation"])
    category = details.get("category")
    return (
        f"Claude declined to answer (category: {category})."
        if category
        else ("Claude declined to answer.")
    )
