"""Content parts as content blocks.

One line per part type in `PARTS`. Parts in Anthropic's own form pass as they are. Empty and
white-space text has no block: the API refuses it (`text content blocks must be non-empty`), and
it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.chat.media import (
    document_block,
    image_block,
    parse_data_url,
    parse_file_data,
)
from claif_cla.translate.receipts import Receipts

__all__ = ["Block", "blocks", "mark_last", "text_block"]

Block: TypeAlias = dict[str, Any]

_CACHEABLE_EXCEPT = ("thinking", "redacted_thinking")
_TEXTS = ("text", "input_text", "output_text")
_PLACES = {"user": "user messages", "tool": "tool messages", "assistant": "assistant messages"}
_PLACES |= {"system": "system messages"}


def text_block(text: str) -> list[Block]:
    """One text block, or none for white space."""
    return [{"type": "text", "text": text}] if text.strip() else []


def blocks(content: Any, role: str, param: str, receipts: Receipts) -> list[Block]:
    """The blocks of a message's `content`: null, a string, or a list of parts.

    Raises:
        Refusal: for parts that are malformed, unknown, or have no place in `role`.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return text_block(content)
    found: list[Block] = []
    for index, part in enumerate(checks.sequence(content, param)):
        at = f"{param}[{index}]"
        if isinstance(part, str):
            found += text_block(part)
            continue
        made = _part(checks.mapping(part, at), role, at, receipts)
        mark_last(made, _marker(part))
        found += made
    return found


def _part(part: Mapping[str, Any], role: str, at: str, receipts: Receipts) -> list[Block]:
    kind = part.get("type")
    if kind is None and isinstance(part.get("text"), str):
        kind = "text"
    allowed, build = PARTS.get(kind, (None, None)) if isinstance(kind, str) else (None, None)
    if build is None or allowed is None:
        message = f"Invalid value for `{at}.type`: {kind!r} is no content part that Claude takes."
        raise Refusal(message, param=f"{at}.type", code="invalid_value")
    if role not in allowed:
        message = f"`{at}.type`: a part of type {kind!r} has no place in {_PLACES[role]}."
        raise Refusal(message, param=f"{at}.type", code="invalid_value")
    made = build(part, at, receipts)
    if kind in _TEXTS and role == "assistant" and made and part.get("citations"):
        # Only an assistant's own text may bring citations back; in a user's text they are a 400.
        made[0]["citations"] = part["citations"]
    return made


def _marker(part: Mapping[str, Any]) -> Any:
    """The cache breakpoint that a part carries, in Anthropic's or OpenAI's spelling."""
    if part.get("cache_control") is not None:
        return part["cache_control"]
    breakpoint_ = part.get("prompt_cache_breakpoint")
    if not isinstance(breakpoint_, Mapping):
        return None
    # OpenAI's 30 minutes and 12 hours are both beyond Claude's five minutes: one hour.
    long = breakpoint_.get("ttl") is not None
    return {"type": "ephemeral", "ttl": "1h"} if long else {"type": "ephemeral"}


def mark_last(made: list[Block], marker: Any) -> None:
    """Put a cache breakpoint on the last block that can hold one (thinking blocks cannot)."""
    if marker is None:
        return
    for block in reversed(made):
        if block.get("type") not in _CACHEABLE_EXCEPT:
            block["cache_control"] = marker
            return


def _text(part: Mapping[str, Any], at: str, receipts: Receipts) -> list[Block]:
    return text_block(checks.string(part.get("text"), f"{at}.text"))


def _refusal(part: Mapping[str, Any], at: str, receipts: Receipts) -> list[Block]:
    return text_block(checks.string(part.get("refusal"), f"{at}.refusal"))


def _image_url(part: Mapping[str, Any], at: str, receipts: Receipts) -> list[Block]:
    where = f"{at}.image_url"
    given = part.get("image_url")
    if isinstance(given, str):  # a common slip that OpenAI's Responses API makes legal
        given = {"url": given}
    given = checks.mapping(given, where)
    where += ".url"
    url = checks.string(given.get("url"), where)
    if url[:5].lower() == "data:":
        block, note = image_block(parse_data_url(url, where), where)
        if note is not None:
            receipts.adapt("messages[].content[].image_url", note)
        return [block]
    # Never fetched here: Claude does that, so no request of ours goes to a caller's address.
    if url[:8].lower() == "https://" or url[:7].lower() == "http://":
        return [{"type": "image", "source": {"type": "url", "url": url}}]
    if url.startswith(("file-", "file_")):
        return [{"type": "image", "source": {"type": "file", "file_id": url}}]
    message = f"`{where}` is neither a data URL nor an https URL nor a file id."
    raise Refusal(message, param=where, code="invalid_value")


def _file(part: Mapping[str, Any], at: str, receipts: Receipts) -> list[Block]:
    where = f"{at}.file"
    given = checks.mapping(part.get("file"), where)
    title = checks.string(given.get("filename") or "", f"{where}.filename")
    if given.get("file_id") is not None:
        file_id = checks.string(given["file_id"], f"{where}.file_id")
        block: Block = {"type": "document", "source": {"type": "file", "file_id": file_id}}
        return [block | ({"title": title} if title else {})]
    if given.get("file_data") is None:
        message = f"`{where}` needs `file_data` or `file_id`."
        raise Refusal(message, param=where, code="missing_required_parameter")
    where += ".file_data"
    media = parse_file_data(checks.string(given["file_data"], where), title, where)
    if (media.sniffed or media.declared).startswith("image/"):
        block, note = image_block(media, where)
        if note is not None:
            receipts.adapt("messages[].content[].file", note)
        return [block]
    return [document_block(media, title, where)]


def _audio(part: Mapping[str, Any], at: str, receipts: Receipts) -> list[Block]:
    receipts.refuse(at, "Claude hears no audio; send its text.", code="unsupported_value")
    return []


def _video(part: Mapping[str, Any], at: str, receipts: Receipts) -> list[Block]:
    receipts.refuse(at, "Claude sees no video; send frames as images.", code="unsupported_value")
    return []


def _verbatim(part: Mapping[str, Any], at: str, receipts: Receipts) -> list[Block]:
    # `index` is what openai's stream accumulator leaves in list items; the API refuses it.
    return [{key: value for key, value in part.items() if key != "index"}]


_Builder: TypeAlias = Callable[[Mapping[str, Any], str, Receipts], list[Block]]
_EVERYWHERE = ("system", "user", "assistant", "tool")
_USER = ("user", "tool")

_NATIVE_RESULTS = (
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_result",
    "advisor_tool_result",
)


def _native(types: Iterable[str], roles: tuple[str, ...]) -> dict[str, tuple[tuple[str, ...], Any]]:
    return dict.fromkeys(types, (roles, _verbatim))


PARTS: Mapping[str, tuple[tuple[str, ...], _Builder]] = {
    # OpenAI's own parts: where they may stand, and what makes blocks of them.
    "text": (_EVERYWHERE, _text),
    "refusal": (("assistant",), _refusal),
    "image_url": (_USER, _image_url),
    "file": (_USER, _file),
    "input_audio": (_USER, _audio),
    "video_url": (_USER, _video),
    # Responses API spellings that clients mix in.
    "input_text": (_EVERYWHERE, _text),
    "output_text": (_EVERYWHERE, _text),
    # Anthropic's own blocks pass as they are.
    **_native(("image", "document", "search_result"), _USER),
    **_native(("tool_reference",), ("tool",)),
    **_native(("tool_result", "container_upload"), ("user",)),
    **_native(("tool_use", "thinking", "redacted_thinking"), ("assistant",)),
    **_native(("server_tool_use", "mcp_tool_use", "compaction", "fallback"), ("assistant",)),
    **_native(_NATIVE_RESULTS, ("assistant",)),
}
