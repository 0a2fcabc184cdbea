"""A Message as a ChatCompletion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from claif_cla.errors import MalformedAnswer
from claif_cla.translate.body import UNREADABLE
from claif_cla.translate.chat.calls import tool_call
from claif_cla.translate.chat.fences import Unfencing
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.stop_reason import finish_reason
from claif_cla.translate.usage import service_tier, usage_to_openai

__all__ = ["BLANK_LINE", "annotation", "completion", "joint", "native", "refusal_text"]

BLANK_LINE = "\n\n"
"""What stands between the texts of two thinking blocks, and between two texts that another block
stood between."""

_Said: TypeAlias = tuple[str, list[dict[str, Any]]]
"""All text of an answer, and its web citations at their place in it."""


def completion(
    message: Any,
    tools: ToolBox,
    now: int,
    *,
    unfence: bool = False,
    seams: Collection[int] = (),
) -> dict[str, Any]:
    """The `ChatCompletion` JSON for a Message.

    Args:
        message: of the Messages API.
        tools: of the request.
        now: Unix seconds for `created`.
        unfence: whether a code fence around the text is none of it.
        seams: numbers of the blocks that begin an answer of their own, to another request.

    An answer that Claude broke off (`refusal`) keeps what it had said, as OpenAI's does: its
    `finish_reason` is `content_filter`, and a stream could not take it back either.

    Raises:
        MalformedAnswer: for JSON that is no Message.
    """
    try:
        said = _text(message["content"], Unfencing() if unfence else None, seams)
        return _completion(message, tools, now, said)
    except UNREADABLE as error:
        message = "the answer is JSON, but not a Message of the Messages API"
        raise MalformedAnswer(message) from error


def _completion(
    message: Mapping[str, Any], tools: ToolBox, now: int, said: _Said
) -> dict[str, Any]:
    if message["type"] != "message":
        raise ValueError(message["type"])
    usage = message.get("usage") or {}
    result: dict[str, Any] = {
        "id": f"chatcmpl-{message.get('id') or ''}",
        "object": "chat.completion",
        "created": now,
        "model": message.get("model"),
        "choices": [_choice(message, tools, said)],
        "usage": usage_to_openai(usage),
        "system_fingerprint": None,
    }
    tier = service_tier(usage)
    if tier:
        result["service_tier"] = tier
    return result


def _choice(message: Mapping[str, Any], tools: ToolBox, said: _Said) -> dict[str, Any]:
    uses = [block for block in message["content"] if block["type"] == "tool_use"]
    stop_reason = message.get("stop_reason")
    choice: dict[str, Any] = {
        "index": 0,
        "message": _message(message, uses, tools, said),
        "logprobs": None,
        "finish_reason": finish_reason(stop_reason, calls_tools=bool(uses), legacy=tools.legacy),
    }
    for key in ("stop_sequence", "stop_details"):
        if message.get(key) is not None:
            choice[key] = message[key]
    return choice


def _message(
    message: Mapping[str, Any], uses: list[dict[str, Any]], tools: ToolBox, said: _Said
) -> dict[str, Any]:
    text, annotations = said
    blocks = message["content"]
    refused = message.get("stop_reason") == "refusal"
    result: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (uses or refused) else None,
        "refusal": refusal_text(message.get("stop_details")) if refused else None,
    }
    if annotations:
        result["annotations"] = annotations
    if uses and tools.legacy:
        # One call is all that the legacy shape can hold; more were not asked for.
        result["function_call"] = tool_call(uses[0], tools)["function"]
    elif uses:
        result["tool_calls"] = [tool_call(use, tools) for use in uses]
    if message.get("container") is not None:
        result["container"] = message["container"]
    result.update(_reasoning(blocks))
    result["content_blocks"] = native(blocks)
    return result


def native(blocks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The blocks as the API has them, without the note that `MessageFold` makes on cut ones."""
    return [{key: block[key] for key in block if key != "partial_json"} for block in blocks]


def _reasoning(blocks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    thinking = [block for block in blocks if block["type"] in ("thinking", "redacted_thinking")]
    if not thinking:
        return {}
    texts = [block["thinking"] for block in thinking if block.get("thinking")]
    result: dict[str, Any] = {"thinking_blocks": thinking}
    return result | ({"reasoning_content": BLANK_LINE.join(texts)} if texts else {})


def _text(
    blocks: Sequence[Mapping[str, Any]], unfencing: Unfencing | None, seams: Collection[int]
) -> _Said:
    pieces: list[str] = []
    annotations = []
    length = 0
    last = ""
    apart = False
    for number, block in enumerate(blocks):
        if number in seams or block["type"] != "text":
            apart = bool(last)
        if block["type"] != "text":
            continue
        text = block.get("text") or ""
        if not text:
            continue
        between = joint(last, text) if apart else ""
        apart, last = False, text
        start = length + len(between)
        said = between + text if unfencing is None else unfencing.take(between + text)
        length += len(said)
        pieces.append(said)
        for citation in block.get("citations") or ():
            made = annotation(citation, min(start, length), length)
            annotations += [made] if made else []
    if unfencing is not None:
        pieces.append(unfencing.rest())
    return "".join(pieces), annotations


def joint(before: str, after: str) -> str:
    """What goes between two texts that another block stood between."""
    return "" if before[-1:].isspace() or after[:1].isspace() else BLANK_LINE


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


def refusal_text(stop_details: Any) -> str:
    """What stands in `message.refusal` when Claude declines."""
    details = stop_details if isinstance(stop_details, Mapping) else {}
    explanation, category = details.get("explanation"), details.get("category")
    if isinstance(explanation, str) and explanation:
        return explanation
    return (
        f"Claude declined to answer (category: {category})."
        if category
        else ("Claude declined to answer.")
    )
