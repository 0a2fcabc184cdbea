"""The operations: what each endpoint takes, and all that it may answer."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

from claif_cla.gateway.endpoints import ENDPOINTS, Endpoint
from claif_cla.gateway.openapi.schemas import ANY_OBJECT, SCHEMAS, TEXT, ref

__all__ = ["HEADERS", "document"]

_ABOUT = (
    "OpenAI's Chat Completions and Anthropic's Messages, on Claude. `HEAD` is taken where `GET` is."
    " Any other method gets a 405, any other path a 404; where keys are needed, both only with one."
)
_STREAMS = {
    "chat": "Each `data` is a `ChatCompletionChunk`, the last `[DONE]`; after an `error`, none is.",
    "messages": "The events of Anthropic's API, as they came.",
}
_NATIVE = ("messages", "count_tokens")

_REQUESTS = {"chat": "ChatRequest", "messages": "MessagesRequest", "count_tokens": "CountRequest"}
_ANSWERS = {
    "chat": "ChatCompletion",
    "messages": "Message",
    "count_tokens": "TokenCount",
    "models": "ModelList",
    "model": "Model",
    "health": "Status",
    "ready": "Status",
}

# Headers: of all answers below /v1, and those of one status.

HEADERS = {
    "x-claif-request-id": "This request's name, here and in the log.",
    "x-claif-upstream-ms": "Milliseconds of waiting for the heads of upstream's answers.",
    "x-claif-overhead-ms": "Milliseconds of the gateway's own so far, with waits between attempts.",
    "x-claif-model": "The model that was asked.",
    "x-claif-cost-usd": "US dollars, where they are known when the answer begins.",
    "x-claif-adapted": "What of the request was adapted or dropped.",
}
_OF_STATUS = {
    401: ("www-authenticate", "`Bearer`, and what is wrong with the key."),
    405: ("allow", "The method that is taken."),
    429: ("retry-after", "Seconds; absent where waiting does not help."),
    503: ("retry-after", "Seconds."),
}

_ERRORS = {
    400: "The request cannot be read, or says what it must not say.",
    401: "No key, or none that is valid.",
    403: "The key is not for this, or the gateway not for this host.",
    404: "There is no such model, or no such page.",
    405: "Another method is taken here.",
    408: "The request did not come in time.",
    413: "The body is too large.",
    415: "The body is not announced as plain JSON.",
    429: "Over a limit or a budget of the key's, or of upstream's.",
    431: "The headers are too large.",
    500: "The gateway failed, or upstream did.",
    502: "Upstream was not reached, or broke off.",
    503: "Too much at once, here or upstream, or limits that cannot be checked.",
    504: "Upstream did not answer in time.",
}
_EVERYWHERE = (400, 403, 408, 431, 500, 503)
_OF_BODIES = (413, 415, 429)
_OF_UPSTREAM = (404, 502, 504)
_BEFORE_ITS_PATH = (400, 408, 431, 503)
"""What a connection may answer before it knows the path: in OpenAI's shape, whatever that is."""


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The description, by OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        path = endpoint.path + "{model}" if endpoint.path.endswith("/") else endpoint.path
        paths[path] = {endpoint.method.lower(): _operation(endpoint)}
    bearer = {"type": "http", "scheme": "bearer", "description": "As OpenAI's SDKs send it."}
    in_header = {"type": "apiKey", "in": "header", "name": "x-api-key"}
    in_header["description"] = "As Anthropic's SDKs send it."
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "claif_cla gateway",
            "version": version("claif_cla"),
            "description": _ABOUT,
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": bearer, "apiKey": in_header},
            "schemas": SCHEMAS,
            "responses": {
                **{f"Error{status}": _failure(status, native=False) for status in _ERRORS},
                **{f"AnthropicError{status}": _failure(status, native=True) for status in _ERRORS},
            },
            "headers": {
                name: {"description": what, "schema": TEXT} for name, what in HEADERS.items()
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "responses": _responses(endpoint),
        # Without keys at all, none is needed.
        "security": [] if endpoint.is_open else [{"bearer": []}, {"apiKey": []}, {}],
    }
    if endpoint.has_body:
        content = {"application/json": {"schema": ref(_REQUESTS[endpoint.name])}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.path.endswith("/"):
        schema = {"type": "string", "minLength": 1}
        name = {"name": "model", "in": "path", "required": True, "schema": schema}
        operation["parameters"] = [name]
    return operation


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    goes_upstream = endpoint.path.startswith("/v1/")
    statuses = [*_EVERYWHERE]
    if not endpoint.is_open:
        statuses.append(401)
    if endpoint.has_body:
        statuses += _OF_BODIES
    if goes_upstream:
        statuses += _OF_UPSTREAM
    if endpoint.name == "metrics":
        statuses.append(404)  # where it is turned off
    kind = "AnthropicError" if endpoint.name in _NATIVE else "Error"
    found: dict[str, Any] = {"200": _response(endpoint)}
    for status in sorted(statuses):
        found[str(status)] = {"$ref": f"#/components/responses/{kind}{status}"}
    if endpoint.name == "ready":
        schema = {"anyOf": [ref("Status"), ref("Error")]}
        found["503"] = {
            "description": "Not now.",
            "content": {"application/json": {"schema": schema}},
        }
    if goes_upstream:
        content = {"application/json": {"schema": ref(kind)}}
        if endpoint.name in _NATIVE:
            content["*/*"] = {"schema": {}}  # byte for byte, also what a proxy on the way says
        found["default"] = {"description": "Another error of upstream's.", "content": content}
    return found


def _response(endpoint: Endpoint) -> dict[str, Any]:
    name = _ANSWERS.get(endpoint.name)
    content: dict[str, Any] = {"application/json": {"schema": ref(name) if name else ANY_OBJECT}}
    if endpoint.name == "metrics":
        content = {
            "text/plain": {"schema": TEXT},
            "application/openmetrics-text": {"schema": TEXT},
        }
    if endpoint.name in _STREAMS:
        content["text/event-stream"] = {"schema": {"description": _STREAMS[endpoint.name]}}
    told: dict[str, Any] = {"description": endpoint.summary, "content": content}
    if endpoint.path.startswith("/v1/"):
        told["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    return told


def _failure(status: int, *, native: bool) -> dict[str, Any]:
    schema = ref("AnthropicError" if native else "Error")
    if native and status in _BEFORE_ITS_PATH:
        schema = {"anyOf": [schema, ref("Error")]}
    told = {"description": _ERRORS[status], "content": {"application/json": {"schema": schema}}}
    if status in _OF_STATUS:
        name, what = _OF_STATUS[status]
        told["headers"] = {name: {"description": what, "schema": TEXT}}
    return told
