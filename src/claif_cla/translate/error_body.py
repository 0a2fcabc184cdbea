"""Anthropic's errors as OpenAI's, whole and inside a stream.

The status stays true, so that the openai SDK raises the class that fits, but for two: 529
(`overloaded_error`), which is no status of OpenAI's, becomes 503, and everything about money
becomes 429 `insufficient_quota`, which is how OpenAI says it and which must not be retried.
The original error object stands in `error.anthropic`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claif_cla.errors import Refusal, UpstreamFault
from claif_cla.translate.flow import Answer
from claif_cla.translate.headers import to_openai
from claif_cla.wire import json_text

__all__ = [
    "STATUS_OF_TYPE",
    "error_answer",
    "error_object",
    "fault_answer",
    "fault_object",
    "refusal_answer",
]

STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that Anthropic answers each error type with; an error event brings no status."""

_CODES: Mapping[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", "not_found"),
    408: ("timeout_error", "timeout"),
    409: ("conflict_error", None),
    413: ("invalid_request_error", "request_too_large"),
    422: ("invalid_request_error", None),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    503: ("server_error", "service_unavailable"),
    504: ("server_error", "timeout"),
}
_MONEY = re.compile(r"credit balance is too low|spend(ing)? limit|usage limits", re.IGNORECASE)
_MONEY_CODES = ("enforced_spend_limit_reached", "contract_spend_limit_reached")
_TOO_LONG = re.compile(r"prompt is too long|exceed(s)? (the )?context (limit|window)")
_FIELD = re.compile(r"^([a-z_]+(?:\.[\w-]+)*): ")
_OPENAI_NAMES = {
    "max_tokens": "max_completion_tokens",
    "stop_sequences": "stop",
    "metadata": "user",
    "system": "messages",
    "output_config": "response_format",
    "thinking": "reasoning_effort",
}
MAX_MESSAGE = 2_000
"""Characters of a body that is no JSON which are shown to the user."""


@dataclass(frozen=True, slots=True)
class _Error:
    """What an upstream error says, in whatever envelope it came."""

    status: int
    kind: str
    message: str
    detail_code: str | None
    original: Mapping[str, Any] | None


def error_answer(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """The OpenAI-shaped answer for an upstream answer with an error status."""
    error = _read(status, body)
    translated = to_openai(headers, now)
    if _is_money(error):
        status = 429
        translated["x-should-retry"] = "false"
    elif error.status == 529:
        status = 503
    else:
        status = error.status
    return Answer(status, translated, {"error": _object(error, headers)})


def error_object(payload: Any) -> tuple[int, dict[str, Any]]:
    """The status and the OpenAI error object for an `error` event of a stream."""
    inner = payload.get("error") if isinstance(payload, Mapping) else None
    kind = inner.get("type") if isinstance(inner, Mapping) else None
    status = STATUS_OF_TYPE.get(kind, 500) if isinstance(kind, str) else 500
    error = _read(status, json_text.dump_bytes(payload))
    shown = 429 if _is_money(error) else 503 if status == 529 else status
    return shown, _object(error, {})


def refusal_answer(refusal: Refusal) -> Answer:
    """The answer to a request that was not sent."""
    error = {
        "message": refusal.message,
        "type": "invalid_request_error",
        "param": refusal.param,
        "code": refusal.code,
    }
    return Answer(refusal.status, {}, {"error": error})


def fault_object(fault: UpstreamFault) -> dict[str, Any]:
    """The error object for an answer that broke the protocol."""
    message = f"The upstream broke the Messages protocol: {fault.message}."
    return {"message": message, "type": "api_error", "param": None, "code": fault.code}


def fault_answer(fault: UpstreamFault) -> Answer:
    """502, and no retry: the same server would bill the same tokens for the same answer."""
    return Answer(502, {"x-should-retry": "false"}, {"error": fault_object(fault)})


def _read(status: int, body: bytes) -> _Error:
    """Find the error in an envelope: Anthropic's, the edge's without `type`, or no JSON at all."""
    try:
        payload = json_text.load(body)
    except ValueError:
        payload = None
    inner = payload.get("error") if isinstance(payload, Mapping) else None
    if not isinstance(inner, Mapping):
        message = _plain_text(body) or f"The server answered {status} without a message."
        return _Error(status, "", message, None, None)
    details = inner.get("details")
    code = details.get("error_code") if isinstance(details, Mapping) else None
    said = inner.get("message")
    return _Error(
        status,
        str(inner.get("type") or ""),
        said if isinstance(said, str) else json_text.dump_text(inner),
        code if isinstance(code, str) else None,
        dict(inner),
    )


def _plain_text(body: bytes) -> str:
    text = body[: 4 * MAX_MESSAGE].decode("utf-8", "replace")
    if "<html" in text.lower() or text.lstrip().lower().startswith("<!doctype"):
        text = re.sub(r"(?is)<(style|script)\b.*?(</\1>|$)|<[^>]*>", " ", text)
    return " ".join(text.split())[:MAX_MESSAGE]


def _is_money(error: _Error) -> bool:
    if error.status == 402 or error.kind == "billing_error":
        return True
    if error.detail_code in _MONEY_CODES:
        return True
    return error.status in (400, 403, 429) and bool(_MONEY.search(error.message))


def _object(error: _Error, headers: Mapping[str, str]) -> dict[str, Any]:
    kind, code, param = _classify(error, headers)
    result: dict[str, Any] = {"message": error.message, "type": kind, "param": param, "code": code}
    if error.original is not None:
        result["anthropic"] = error.original
    return result


def _classify(error: _Error, headers: Mapping[str, str]) -> tuple[str, str | None, str | None]:
    """OpenAI's `type`, `code` and `param`."""
    if _is_money(error):
        return "insufficient_quota", "insufficient_quota", None
    if error.status == 529:
        return "server_error", "overloaded", None
    kind, code = _CODES.get(error.status, (error.kind or "api_error", None))
    if error.status == 429 and headers.get("anthropic-ratelimit-requests-remaining") == "0":
        kind = "requests"
    elif error.status == 429 and _tokens_are_gone(headers):
        kind = "tokens"
    if error.status == 404 and "model" in error.message:
        return kind, "model_not_found", "model"
    if error.status == 400:
        special, param = _bad_request(error.message)
        return kind, special or error.detail_code, param
    return kind, error.detail_code or code, None


def _tokens_are_gone(headers: Mapping[str, str]) -> bool:
    kinds = ("tokens", "input-tokens", "output-tokens")
    return any(headers.get(f"anthropic-ratelimit-{kind}-remaining") == "0" for kind in kinds)


def _bad_request(message: str) -> tuple[str | None, str | None]:
    """`code` and `param` of a 400: the API names the field at the message's start."""
    if _TOO_LONG.search(message):
        return "context_length_exceeded", "messages"
    field = _FIELD.match(message)
    param = None
    if field is not None:
        root, _, rest = field.group(1).partition(".")
        param = _OPENAI_NAMES.get(root, root) + (f".{rest}" if rest and root == "messages" else "")
    if "Extra inputs are not permitted" in message:
        return "unknown_parameter", param
    if "Field required" in message:
        return "missing_required_parameter", param
    if "image exceeds" in message or "image dimensions" in message:
        return "image_too_large", param
    return None, param
