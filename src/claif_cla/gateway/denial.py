"""What the gateway itself answers a request with that it does not serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Denial", "no_key"]

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class Denial(Exception):  # noqa: N818 - it is an answer
    """A request ends here, with an error that SDKs understand.

    Args:
        status: the HTTP status.
        message: what is wrong, where, and what to do; never a secret.
        code: OpenAI's, such as `invalid_api_key` or `rate_limit_exceeded`.
        kind: OpenAI's error `type`.
        param: the parameter that is at fault.
        headers: further ones, lower-case names: `retry-after`, `x-ratelimit-…`.
    """

    def __init__(  # noqa: PLR0913 - the parts of an error
        self,
        status: int,
        message: str,
        *,
        code: str,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.kind = kind
        self.param = param
        self.headers: Mapping[str, str] = headers or {}

    def as_openai(self) -> dict[str, Any]:
        """The body, as OpenAI's API writes errors."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}

    def as_anthropic(self, request_id: str) -> dict[str, Any]:
        """The body, as Anthropic's API writes errors."""
        kind = _ANTHROPIC_TYPES.get(self.status, "api_error")
        error = {"type": kind, "message": self.message}
        return {"type": "error", "error": error, "request_id": request_id}


def no_key(message: str, *, shown: bool) -> Denial:
    """401, with the challenge that HTTP demands of one.

    Args:
        message: what is wrong.
        shown: whether there was a key; then it is the key that is wrong.
    """
    return Denial(
        401,
        message,
        code="invalid_api_key",
        kind="authentication_error",
        headers={"www-authenticate": 'Bearer error="invalid_token"' if shown else "Bearer"},
    )
