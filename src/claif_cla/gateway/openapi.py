"""`/openapi.json`: what is served, from the table of endpoints."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

from claif_cla.gateway.endpoints import ENDPOINTS, Endpoint

__all__ = ["document"]

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_CHAT = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "model": {"type": "string"},
        "messages": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        "stream": {"type": ["boolean", "null"]},
    },
}
_MESSAGES = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": {"type": "string"},
        "max_tokens": {"type": "integer", "minimum": 1},
        "messages": {"type": "array", "minItems": 1, "items": {"type": "object"}},
        "stream": {"type": "boolean"},
    },
}
_BODIES = {"chat": _CHAT, "messages": _MESSAGES, "count_tokens": _MESSAGES}
_ANY = {"type": "object"}
_TEXT = {"type": "string"}
_STREAMS = ("chat", "messages")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The description, by OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        path = endpoint.path + "{model}" if endpoint.path.endswith("/") else endpoint.path
        paths[path] = {endpoint.method.lower(): _operation(endpoint)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "claif_cla gateway", "version": version("claif_cla")},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": {"Error": _ERROR},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "responses": {"200": _response(endpoint), "default": _failure(endpoint)},
        "security": [] if endpoint.is_open else [{"bearer": []}, {"apiKey": []}],
    }
    if endpoint.has_body:
        schema = _BODIES[endpoint.name]
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.path.endswith("/"):
        name = {"name": "model", "in": "path", "required": True, "schema": _TEXT}
        operation["parameters"] = [name]
    return operation


def _response(endpoint: Endpoint) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": _ANY}}
    if endpoint.name == "metrics":
        content = {"text/plain": {"schema": _TEXT}}
    if endpoint.name in _STREAMS:
        content["text/event-stream"] = {"schema": _TEXT}
    return {"description": endpoint.summary, "content": content}


def _failure(endpoint: Endpoint) -> dict[str, Any]:
    native = endpoint.name in ("messages", "count_tokens")
    schema = _ANY if native else {"$ref": "#/components/schemas/Error"}
    return {"description": "An error", "content": {"application/json": {"schema": schema}}}
