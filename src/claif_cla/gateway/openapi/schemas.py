"""The schemas of bodies, as short as they can be told.

What the gateway itself looks at, and what SDKs rely on. Both APIs grow: most objects may hold more.
"""

from __future__ import annotations

from typing import Any

from claif_cla.translate.chat.native import NATIVE
from claif_cla.translate.chat.params import PARAMS
from claif_cla.translate.stop_reason import FINISH_REASONS

__all__ = ["ANY_OBJECT", "SCHEMAS", "TEXT", "ref"]

TEXT = {"type": "string"}
ANY_OBJECT = {"type": "object"}
_COUNT = {"type": "integer", "minimum": 0}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_NAME = {"type": ["string", "null"], "pattern": r"\S", "description": "Absent: the default model."}
_FLAG = {"type": ["boolean", "null"]}
_LIMIT = {"type": ["integer", "null"], "minimum": 1}


def _number(least: float, most: float) -> dict[str, Any]:
    return {"type": ["number", "null"], "minimum": least, "maximum": most}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    """An object with these properties, and others."""
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(item: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": item, **({"minItems": least} if least else {})}


def ref(name: str) -> dict[str, Any]:
    """Where a schema of `SCHEMAS` stands in the document."""
    return {"$ref": f"#/components/schemas/{name}"}


_PARTS = {"type": ["string", "array"], "items": _object("type", type=TEXT)}
_SAID = {**_PARTS, "type": ["string", "array", "null"]}
_CHAT_MESSAGE = {
    "anyOf": [
        _object("role content", role={"enum": ["system", "developer", "user"]}, content=_PARTS),
        _object("role", role={"const": "assistant"}, content=_SAID),
        _object(
            "role tool_call_id content",
            role={"const": "tool"},
            tool_call_id=TEXT,
            content=_PARTS,
        ),
        _object("role name content", role={"const": "function"}, name=TEXT, content=_SAID),
    ]
}
_CHAT_TYPES: dict[str, Any] = {
    "model": _NAME,
    "messages": _list(_CHAT_MESSAGE, 1),
    "stream": _FLAG,
    "max_tokens": _LIMIT,
    "max_completion_tokens": _LIMIT,
    "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 128},
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "stop": {"type": ["string", "array", "null"], "items": TEXT},
    "tools": {"type": ["array", "null"], "items": ANY_OBJECT},
    "response_format": {"type": ["object", "null"]},
    "user": _TEXT_OR_NULL,
}
"""What the types of some parameters are; of the others the document has the name and the note."""
_CHAT = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        **{name: {"description": "Anthropic's own."} for name in sorted(NATIVE)},
        **{
            name: {**_CHAT_TYPES.get(name, {}), "description": rule.note}
            for name, rule in PARAMS.items()
        },
    },
    "additionalProperties": False,
    "description": 'Another parameter is refused, unless `chat.compat` is `"lenient"`.',
}
_PROMPT = {
    "model": _NAME,
    "messages": _list(
        _object("role content", role={"enum": ["user", "assistant", "system"]}, content=_PARTS),
        1,
    ),
}
_MESSAGES = _object("messages max_tokens", **_PROMPT, max_tokens=_COUNT, stream={"type": "boolean"})
_CHOICE = _object(
    "index message finish_reason",
    index=_COUNT,
    message=_object("role content", role={"const": "assistant"}, content=_TEXT_OR_NULL),
    finish_reason={"enum": sorted({*FINISH_REASONS.values(), "function_call"})},
)
_MODEL = _object(
    "id object created owned_by",
    id=TEXT,
    object={"const": "model"},
    created=_COUNT,
    owned_by=TEXT,
)
SCHEMAS: dict[str, Any] = {
    "ChatRequest": _CHAT,
    "MessagesRequest": _MESSAGES,
    "CountRequest": _object("messages", **_PROMPT),
    "ChatCompletion": _object(
        "id object created model choices usage",
        id=TEXT,
        object={"const": "chat.completion"},
        created=_COUNT,
        model=TEXT,
        choices=_list(_CHOICE, 1),
        usage=_object(
            "prompt_tokens completion_tokens total_tokens",
            prompt_tokens=_COUNT,
            completion_tokens=_COUNT,
            total_tokens=_COUNT,
        ),
    ),
    "ChatCompletionChunk": _object(
        "id object created model choices",
        id=TEXT,
        object={"const": "chat.completion.chunk"},
        created=_COUNT,
        model=TEXT,
        choices=_list(_object("index delta", index=_COUNT, delta=ANY_OBJECT)),
    ),
    "Message": _object(
        "id type role content model stop_reason usage",
        id=TEXT,
        type={"const": "message"},
        role={"const": "assistant"},
        content=_list(_object("type", type=TEXT)),
        model=TEXT,
        stop_reason=_TEXT_OR_NULL,
        usage=_object("input_tokens output_tokens", input_tokens=_COUNT, output_tokens=_COUNT),
    ),
    "TokenCount": _object("input_tokens", input_tokens=_COUNT),
    "Model": _MODEL,
    "ModelList": _object("object data", object={"const": "list"}, data=_list(ref("Model"))),
    "Status": _object("status", status=TEXT),
    "Error": _object(
        "error",
        error=_object(
            "message type param code",
            message=TEXT,
            type=TEXT,
            param=_TEXT_OR_NULL,
            code=_TEXT_OR_NULL,
        ),
    ),
    "AnthropicError": _object(
        "error",  # without its `type` where Anthropic's edge answers before its API does
        type={"const": "error"},
        error=_object("type message", type=TEXT, message=TEXT),
        request_id=_TEXT_OR_NULL,
    ),
}
