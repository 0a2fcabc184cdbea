"""The shapes of messages and of the content blocks in them."""

from __future__ import annotations

from collections.abc import Mapping

from claif_cla.backends.simulator.rules.shapes import (
    Check,
    anything,
    array,
    boolean,
    literal,
    mapping,
    nullable,
    record,
    string,
    tagged,
    text_or,
)

__all__ = ["CACHE_CONTROL", "IMAGE_TYPES", "MESSAGE", "TEXT"]

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")

_ID = string(pattern="[a-zA-Z0-9_-]+")
_NAME = string(minimum=1)
CACHE_CONTROL: Check = record(
    {"type": literal("ephemeral"), "ttl": literal("5m", "1h")}, required=("type",)
)
_CACHE: Mapping[str, Check] = {"type": anything, "cache_control": nullable(CACHE_CONTROL)}
_CITATIONS = nullable(record({"enabled": boolean}))

_TEXT_RECORD = record(
    {**_CACHE, "text": string(), "citations": nullable(array(mapping))}, required=("text",)
)
TEXT: Check = tagged({"text": _TEXT_RECORD})
_IMAGE = record(
    {
        **_CACHE,
        "source": tagged(
            {
                "base64": record(
                    {"type": anything, "media_type": literal(*IMAGE_TYPES), "data": string()},
                    required=("media_type", "data"),
                ),
                "file": record({"type": anything, "file_id": string()}, required=("file_id",)),
                "url": record({"type": anything, "url": string(minimum=1)}, required=("url",)),
            }
        ),
        "transformations": nullable(record({"oversized_image": literal("downsize", "error")})),
    },
    required=("source",),
)
_SOURCE_CONTENT = tagged({"image": _IMAGE, "text": _TEXT_RECORD})
_DOCUMENT = record(
    {
        **_CACHE,
        "source": tagged(
            {
                "base64": record(
                    {"type": anything, "media_type": literal("application/pdf"), "data": string()},
                    required=("media_type", "data"),
                ),
                "content": record(
                    {"type": anything, "content": text_or(array(_SOURCE_CONTENT))},
                    required=("content",),
                ),
                "file": record({"type": anything, "file_id": string()}, required=("file_id",)),
                "text": record(
                    {"type": anything, "media_type": literal("text/plain"), "data": string()},
                    required=("media_type", "data"),
                ),
                "url": record({"type": anything, "url": string(minimum=1)}, required=("url",)),
            }
        ),
        "citations": _CITATIONS,
        "context": nullable(string()),
        "title": nullable(string()),
    },
    required=("source",),
)
_SEARCH_RESULT = record(
    {
        **_CACHE,
        "content": array(TEXT),
        "source": string(),
        "title": string(),
        "citations": _CITATIONS,
    },
    required=("content", "source", "title"),
)
_RESULT_CONTENT = tagged(
    {
        "browser_state": mapping,
        "document": _DOCUMENT,
        "image": _IMAGE,
        "search_result": _SEARCH_RESULT,
        "text": _TEXT_RECORD,
        "tool_reference": record({**_CACHE, "tool_name": string()}, required=("tool_name",)),
    }
)
_TOOL_USE: Mapping[str, Check] = {
    **_CACHE,
    "id": _ID,
    "input": mapping,
    "name": _NAME,
    "caller": mapping,
}
_TOOL_USE_REQUIRED = ("id", "input", "name")
_SERVER_RESULT = record(
    {**_CACHE, "content": anything, "tool_use_id": _ID, "caller": mapping},
    required=("content", "tool_use_id"),
)
_BLOCK = tagged(
    {
        "bash_code_execution_tool_result": _SERVER_RESULT,
        "code_execution_tool_result": _SERVER_RESULT,
        "container_upload": record({**_CACHE, "file_id": string()}, required=("file_id",)),
        "document": _DOCUMENT,
        "image": _IMAGE,
        "redacted_thinking": record({"type": anything, "data": string()}, required=("data",)),
        "search_result": _SEARCH_RESULT,
        "server_tool_use": record(_TOOL_USE, required=_TOOL_USE_REQUIRED),
        "text": _TEXT_RECORD,
        "text_editor_code_execution_tool_result": _SERVER_RESULT,
        "thinking": record(
            {"type": anything, "thinking": string(), "signature": string()},
            required=("thinking", "signature"),
        ),
        "tool_result": record(
            {
                **_CACHE,
                "tool_use_id": _ID,
                "content": text_or(array(_RESULT_CONTENT)),
                "is_error": boolean,
                "toolset_name": nullable(string()),
            },
            required=("tool_use_id",),
        ),
        "tool_search_tool_result": _SERVER_RESULT,
        "tool_use": record(
            {**_TOOL_USE, "toolset_name": nullable(string())}, required=_TOOL_USE_REQUIRED
        ),
        "web_fetch_tool_result": _SERVER_RESULT,
        "web_search_tool_result": _SERVER_RESULT,
    }
)
MESSAGE: Check = record(
    {"role": literal("user", "assistant", "system"), "content": text_or(array(_BLOCK))},
    required=("role", "content"),
    beta_fields=("clear_at", "output_config"),
)
