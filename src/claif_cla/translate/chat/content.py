"""Content parts as content blocks.

One line per part type in `PARTS`. Parts in Anthropic's own form pass as they are. Empty and
white-space text has no block: the API refuses it (`text content blocks must be non-empty`), and
it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from claif_cla.errors import Unsendable
from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context
from claif_cla.translate.receipts import Receipts

__all__ = [
    "ONE_HOUR_AT_MOST",
    "Block",
    "blocks",
    "is_the_assistants",
    "mark_last",
    "text_block",
]

Block: TypeAlias = dict[str, Any]

ONE_HOUR_AT_MOST = "Claude keeps a prompt for one hour at most; sent as `ttl: 1h`."
_CACHEABLE_EXCEPT = ("thinking", "redacted_thinking")
_TEXTS = ("text", "input_text", "output_text")
_PLACES = {"user": "user messages", "tool": "tool messages", "assistant": "assistant messages"}
_PLACES |= {"system": "system messages"}
_OF_EVERY_PART = ("type", "cache_control", "prompt_cache_breakpoint", "index")


def text_block(text: str) -> list[Block]:
    """One text block, or none for white space."""
    return [{"type": "text", "text": text}] if text.strip() else []


def blocks(content: Any, role: str, param: str, context: Context) -> list[Block]:
    """The blocks of a message's `content`: null, a string, or a list of parts.

    Raises:
        Refusal: for parts that are malformed, unknown, or have no place in `role`.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return text_block(content)
    if isinstance(content, bytes) or not isinstance(content, Sequence):
        raise checks.invalid(param, "a string or an array of parts", content)
    found: list[Block] = []
    for index, part in enumerate(content):
        at = f"{param}[{index}]"
        if isinstance(part, str):
            found += text_block(part)
            continue
        made = _part(checks.mapping(part, at), role, at, context)
        mark_last(made, _marker(part, at, context.receipts))
        found += made
    return found


def _part(part: Mapping[str, Any], role: str, at: str, context: Context) -> list[Block]:
    receipts = context.receipts
    kind = part.get("type")
    if kind is None and isinstance(part.get("text"), str):
        kind = "text"
    at_type = f"{at}.type"
    known = PARTS.get(checks.string(kind, at_type))
    if known is None:
        detail = f"Claude takes no content part of type {kind!r}."
        receipts.refuse(at_type, detail, code="invalid_value")
        return []
    if role not in known.roles:
        detail = f"A part of type {kind!r} has no place in {_PLACES[role]}."
        receipts.refuse(at_type, detail, code="invalid_value")
        return []
    try:
        made = known.build(part, at, context)
    except Unsendable as refusal:
        receipts.refuse(refusal.param or at, refusal.message, code=refusal.code)
        return []
    read = (*_OF_EVERY_PART, *known.fields) if known.fields else part
    if kind in _TEXTS and role == "assistant":
        # Only an assistant's own text may bring citations back; in a user's text they are a 400.
        if made and part.get("citations"):
            made[0]["citations"] = part["citations"]
        read = (*read, "citations", "annotations")
    receipts.unread(part, read, at)
    return made


def is_the_assistants(block: Mapping[str, Any]) -> bool:
    """Whether a block may stand in an assistant's turn, as far as its type is known."""
    known = PARTS.get(block["type"])
    return known is None or "assistant" in known.roles


def _marker(part: Mapping[str, Any], at: str, receipts: Receipts) -> Any:
    """The cache breakpoint that a part carries, in Anthropic's or OpenAI's spelling."""
    if part.get("cache_control") is not None:
        return part["cache_control"]
    if part.get("prompt_cache_breakpoint") is None:
        return None
    where = f"{at}.prompt_cache_breakpoint"
    given = checks.mapping(part["prompt_cache_breakpoint"], where)
    checks.one_of(given.get("mode", "explicit"), f"{where}.mode", ("explicit",))
    if given.get("ttl") is None:
        return {"type": "ephemeral"}
    # OpenAI's lifetimes are the least that is wanted, and Claude has five minutes or one hour.
    if checks.one_of(given["ttl"], f"{where}.ttl", ("30m", "12h")) == "12h":
        receipts.adapt(f"{where}.ttl", ONE_HOUR_AT_MOST)
    return {"type": "ephemeral", "ttl": "1h"}


def mark_last(made: list[Block], marker: Any) -> None:
    """Put a cache breakpoint on the last block that can hold one (thinking blocks cannot)."""
    if marker is None:
        return
    for block in reversed(made):
        if block.get("type") not in _CACHEABLE_EXCEPT:
            block["cache_control"] = marker
            return


def _text(part: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    return text_block(checks.string(part.get("text"), f"{at}.text"))


def _refusal(part: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    return text_block(checks.string(part.get("refusal"), f"{at}.refusal"))


def _image(part: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    from claif_cla.translate.chat.attached import image_part  # noqa: PLC0415 - most send none

    return image_part(part, at, context)


def _file(part: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    from claif_cla.translate.chat.attached import file_part  # noqa: PLC0415 - most send none

    return file_part(part, at, context)


def _audio(part: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    detail = "Claude hears no audio; send its text."
    context.receipts.refuse(at, detail, code="unsupported_value")
    return []


def _video(part: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    detail = "Claude sees no video; send frames as images."
    context.receipts.refuse(at, detail, code="unsupported_value")
    return []


def _verbatim(part: Mapping[str, Any], at: str, context: Context) -> list[Block]:
    # `index` is what openai's stream accumulator leaves in list items; the API refuses it.
    return [{key: value for key, value in part.items() if key not in _OPENAIS}]


_OPENAIS = ("index", "prompt_cache_breakpoint")
_Builder: TypeAlias = Callable[[Mapping[str, Any], str, Context], list[Block]]


class _Kind(NamedTuple):
    """A type of part: where it may stand, what makes blocks of it, and the fields that does read.

    Without fields, all are read: they go upstream as they are.
    """

    roles: tuple[str, ...]
    build: _Builder
    fields: tuple[str, ...] = ()


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


def _native(types: Iterable[str], roles: tuple[str, ...]) -> dict[str, _Kind]:
    return dict.fromkeys(types, _Kind(roles, _verbatim))


PARTS: Mapping[str, _Kind] = {
    # OpenAI's own parts.
    "text": _Kind(_EVERYWHERE, _text, ("text",)),
    "refusal": _Kind(("assistant",), _refusal, ("refusal",)),
    "image_url": _Kind(_USER, _image, ("image_url",)),
    "file": _Kind(_USER, _file, ("file",)),
    "input_audio": _Kind(_USER, _audio),
    "video_url": _Kind(_USER, _video),
    # Responses API spellings that clients mix in.
    "input_text": _Kind(_EVERYWHERE, _text, ("text",)),
    "output_text": _Kind(_EVERYWHERE, _text, ("text",)),
    # Anthropic's own blocks pass as they are.
    **_native(("image", "document", "search_result"), _USER),
    **_native(("tool_reference", "browser_state"), ("tool",)),
    **_native(("tool_result", "container_upload"), ("user",)),
    **_native(("tool_use", "thinking", "redacted_thinking"), ("assistant",)),
    **_native(("server_tool_use", "mcp_tool_use", "compaction", "fallback"), ("assistant",)),
    **_native(_NATIVE_RESULTS, ("assistant",)),
}
