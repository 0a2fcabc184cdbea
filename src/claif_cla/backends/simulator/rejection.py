"""Errors in the API's own words and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.wire.json_text import dump_bytes

__all__ = ["ERROR_TYPES", "Rejection", "error_body"]

ERROR_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""`error.type` by status: `types/shared/error_type.py` of the anthropic SDK 2.12, and the
recorded answers; 413 comes from the edge and has a type that the SDK does not list."""


class Rejection(Exception):  # noqa: N818 - an answer, no error of ours
    """The request is answered with an error.

    Args:
        message: `error.message`, beginning with the path of the field where there is one.
        status: HTTP status.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def error_body(status: int, message: str, request_id: str) -> bytes:
    """The body of an error answer. A 413 comes from the edge: no outer `type`, no request id."""
    error: dict[str, Any] = {"type": ERROR_TYPES.get(status, "api_error"), "message": message}
    if status == 413:
        return dump_bytes({"error": error})
    return dump_bytes({"type": "error", "error": error, "request_id": request_id})
