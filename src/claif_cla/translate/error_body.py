"""Anthropic's errors as OpenAI's, whole and inside a stream.

The status stays true, so that the openai SDK raises the class that fits, but for two: 529
(`overloaded_error`), which is no status of OpenAI's, becomes 503, and everything about money
becomes 429 `insufficient_quota`, which is how OpenAI says it and which must not be retried.
The original error object stands in `error.anthropic`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from claif_cla.errors import Refusal, UpstreamFault
from claif_cla.translate.body import parse
from claif_cla.translate.flow import Answer
from claif_cla.translate.headers import to_openai
from claif_cla.wire import json_text

__all__ = [
    "STATUS_OF_TYPE",
    "error_answer",
    "event_answer",
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
    529: ("server_error", "overloaded"),
}
_MONEY = r"(?i)credit balance is too low|spend(ing)? (limit|cap)|usage limits"
_MONEY_CODES = ("enforced_spend_limit_reached", "contract_spend_limit_reached")
_TOO_LONG = r"prompt is too long|exceed(s)? (the )?context (limit|window)"
_FIELD = r"([a-z_]+)(\.[\w-]+)*: "
_NO_MODEL = r"model: \S+"
_MODELS = (
    "no such model; `client.models.list()` names them; names of your own are mapped by the client's"
    " `model_aliases`, or on a gateway by its `models.aliases`"
)
_OPENAI_NAMES = {
    "max_tokens": "max_completion_tokens",
    "stop_sequences": "stop",
    "metadata": "user",
    "system": "messages",
    "output_config": "response_format",
    "output_format": "response_format",
    "thinking": "reasoning_effort",
}
MAX_MESSAGE = 2_000
"""Characters of a body that is no JSON which are shown to the user."""
MAX_ENVELOPES = 5
"""How many envelopes deep an error is looked for: proxies wrap each other's, also as text."""


class _Error(NamedTuple):
    """What an upstream error says, in whatever envelope it came."""

    status: int
    headers: Mapping[str, str]
    kind: str
    message: str
    detail_code: str | None = None
    original: Mapping[str, Any] | None = None

    @property
    def is_money(self) -> bool:
        if self.status == 402 or self.kind == "billing_error" or self.detail_code in _MONEY_CODES:
            return True
        # A rate limit says when it ends; a spend limit does not.
        passes = self.status == 429 and "retry-after" in self.headers
        return (
            self.status in (400, 403, 429) and not passes and bool(re.search(_MONEY, self.message))
        )


def error_answer(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """The OpenAI-shaped answer for an upstream answer with an error status."""
    try:
        payload = parse(body)
    except ValueError:
        payload = None
    return _answer(_read(status, headers, payload, body), payload, now)


def event_answer(event: Mapping[str, Any], headers: Mapping[str, str], now: float) -> Answer:
    """The answer for an `error` event, which has no status of its own.

    Its `body` is also what a stream says that has already begun.
    """
    inner = event.get("error")
    kind = inner.get("type") if isinstance(inner, Mapping) else None
    status = STATUS_OF_TYPE.get(kind, 500) if isinstance(kind, str) else 500
    return _answer(_read(status, headers, event, b""), event, now)


def _answer(error: _Error, payload: Any, now: float) -> Answer:
    headers = to_openai(error.headers, now)
    request_id = payload.get("request_id") if isinstance(payload, Mapping) else None
    if isinstance(request_id, str):
        headers.setdefault("x-request-id", request_id)
    status = 503 if error.status == 529 else error.status
    if error.is_money:
        status = 429
        headers["x-should-retry"] = "false"
    return Answer(status, headers, {"error": _object(error)})


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


def _read(status: int, headers: Mapping[str, str], payload: Any, body: bytes) -> _Error:
    inner = _inner(payload)
    if inner is None:
        message = _plain_text(body) or f"The server answered {status} without a message."
        return _Error(status, headers, "", message)
    details = inner.get("details")
    code = details.get("error_code") if isinstance(details, Mapping) else None
    said = inner.get("message")
    return _Error(
        status,
        headers,
        str(inner.get("type") or ""),
        said if isinstance(said, str) and said.strip() else json_text.dump_text(inner),
        code if isinstance(code, str) else None,
        inner,
    )


def _inner(payload: Any, depth: int = 0) -> Mapping[str, Any] | None:
    """The innermost object that tells the error; None where there is none.

    `{"error": {…}}` is Anthropic's and the edge's; `{"error": "…"}`, `{"message": "…"}`,
    `{"detail": "…"}`, a list of one, and any of them as text inside another are proxies'.
    """
    if isinstance(payload, str):
        payload = _structure(payload)
    if isinstance(payload, list):
        payload = payload[0] if payload else None
    if not isinstance(payload, Mapping) or depth > MAX_ENVELOPES:
        return None
    told = payload.get("error") or payload.get("message") or payload.get("detail")
    deeper = _inner(told, depth + 1)
    if deeper is not None:
        return deeper
    if isinstance(told, str) and told != payload.get("message"):
        return {"message": told}
    return payload or None


def _structure(text: str) -> Any:
    """An object or a list that is written in a text."""
    try:
        return parse(text) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None


def _plain_text(body: bytes) -> str:
    text = body[: 4 * MAX_MESSAGE].decode("utf-8", "replace")
    if "<html" in text.lower() or text.lstrip().lower().startswith("<!doctype"):
        text = re.sub(r"(?is)<(style|script)\b.*?(</\1>|$)|<[^>]*>", " ", text)
    return " ".join(text.split())[:MAX_MESSAGE]


def _object(error: _Error) -> dict[str, Any]:
    kind, code, param = _classify(error)
    message = error.message
    if code == "model_not_found" and re.fullmatch(_NO_MODEL, message):  # all that Claude's API says
        message += f" ({_MODELS})"
    result: dict[str, Any] = {"message": message, "type": kind, "param": param, "code": code}
    if error.original is not None:
        result["anthropic"] = dict(error.original)
    return result


def _classify(error: _Error) -> tuple[str, str | None, str | None]:
    """OpenAI's `type`, `code` and `param`."""
    if error.is_money:
        return "insufficient_quota", "insufficient_quota", None
    kind, code = _CODES.get(error.status, (error.kind or "api_error", None))
    if error.status == 429:
        kind = _exhausted(error.headers) or kind
    if error.status == 404 and "model" in error.message:
        return kind, "model_not_found", "model"
    if error.status == 400:
        code, param = _bad_request(error.message)
        return kind, code or error.detail_code, param
    return kind, error.detail_code or code, None


def _exhausted(headers: Mapping[str, str]) -> str | None:
    """Which of OpenAI's two rate limits was met, if the headers say."""
    kinds = {"requests": "requests", "tokens": "tokens"}
    kinds |= {"input-tokens": "tokens", "output-tokens": "tokens"}
    for theirs, ours in kinds.items():
        if headers.get(f"anthropic-ratelimit-{theirs}-remaining") == "0":
            return ours
    return None


def _bad_request(message: str) -> tuple[str | None, str | None]:
    """`code` and `param` of a 400: the API names the field at the message's start.

    Only its root is told: `messages.3.content` counts Claude's messages, not the caller's.
    """
    if re.search(_TOO_LONG, message):
        return "context_length_exceeded", "messages"
    field = re.match(_FIELD, message)
    param = _OPENAI_NAMES.get(field.group(1), field.group(1)) if field is not None else None
    if "Extra inputs are not permitted" in message:
        return "unknown_parameter", param
    if "Field required" in message:
        return "missing_required_parameter", param
    if "image exceeds" in message or "image dimensions" in message:
        return "image_too_large", param
    return None, param
