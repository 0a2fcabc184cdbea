"""Errors of the upstream: true statuses, OpenAI's classes, OpenAI's fields."""

from __future__ import annotations

import importlib
from typing import Any

from conformance.bench import Bench
from conformance.registry import check
from loopback import error_body, json_answer

STATUSES = {
    400: ("invalid_request_error", "BadRequestError"),
    401: ("authentication_error", "AuthenticationError"),
    403: ("permission_error", "PermissionDeniedError"),
    404: ("not_found_error", "NotFoundError"),
    413: ("request_too_large", "APIStatusError"),
    422: ("invalid_request_error", "UnprocessableEntityError"),
    429: ("rate_limit_error", "RateLimitError"),
    500: ("api_error", "InternalServerError"),
}


def failing(
    bench: Bench, status: int, kind: str, message: str = "what Claude says", **more: Any
) -> Any:
    """The exception of a call that the upstream answers so."""
    headers = {"request-id": "req_1", **more.pop("headers", {})}
    bench.replies(json_answer(error_body(kind, message, **more), status=status, headers=headers))
    return bench.fails()


def is_openais(error: Exception, name: str) -> None:
    """The exception is of this class of the openai package."""
    expected = getattr(importlib.import_module("openai"), name)
    assert isinstance(error, expected), f"{type(error).__module__}.{type(error).__name__}"


for status, (kind, class_name) in STATUSES.items():

    @check(f"errors.{status}_keeps_its_status", 128)
    def _(bench: Bench, status: int = status, kind: str = kind) -> None:
        error = failing(bench, status, kind)
        if status == 413 and getattr(error, "status_code", None) == 400:
            return  # OpenAI has no class for 413, so its BadRequestError is as good
        bench.is_status(error, status)

    @check(f"errors.{status}_raises_openais_class", 128, needs="exceptions")
    def _(
        bench: Bench, status: int = status, kind: str = kind, class_name: str = class_name
    ) -> None:
        is_openais(failing(bench, status, kind), class_name)

    @check(f"errors.{status}_tells_the_message", 128)
    def _(bench: Bench, status: int = status, kind: str = kind) -> None:
        assert "what Claude says" in str(failing(bench, status, kind))

    @check(f"errors.{status}_before_a_stream_raises_openais_class", 128, needs="exceptions")
    def _(
        bench: Bench, status: int = status, kind: str = kind, class_name: str = class_name
    ) -> None:
        bench.replies(json_answer(error_body(kind, "no"), status=status))
        error: Exception | None
        try:
            error = bench.stream().error
        except Exception as raised:  # noqa: BLE001  # at the call or at the first chunk
            error = raised
        assert error is not None
        is_openais(error, class_name)


@check("errors.529_is_a_server_error", 128)
def _(bench: Bench) -> None:
    error = failing(bench, 529, "overloaded_error", "Overloaded")
    assert 500 <= (getattr(error, "status_code", None) or 0) < 600


@check("errors.529_raises_openais_class", 128, needs="exceptions")
def _(bench: Bench) -> None:
    error = failing(bench, 529, "overloaded_error", "Overloaded")
    is_openais(error, "InternalServerError")


@check("errors.529_is_503_overloaded", ours=True)
def _(bench: Bench) -> None:
    error = failing(bench, 529, "overloaded_error", "Overloaded")
    assert (error.status_code, error.code) == (503, "overloaded")


@check("errors.402_is_insufficient_quota", ours=True)
def _(bench: Bench) -> None:
    error = failing(bench, 402, "billing_error", "Your credit balance is too low")
    assert (error.status_code, error.code) == (429, "insufficient_quota")


@check("errors.spend_limit_is_insufficient_quota", ours=True)
def _(bench: Bench) -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    error = failing(bench, 400, "invalid_request_error", "limit", details=details)
    assert (error.status_code, error.code) == (429, "insufficient_quota")


@check("errors.original_stands_beside_the_translation", ours=True)
def _(bench: Bench) -> None:
    error = failing(bench, 400, "invalid_request_error", "no")
    assert error.body["anthropic"] == {"type": "invalid_request_error", "message": "no"}


@check("errors.request_id_is_claudes", 128, needs="client")
def _(bench: Bench) -> None:
    assert failing(bench, 400, "invalid_request_error").request_id == "req_1"


@check("errors.closed_connection_raises_openais_class", 128, needs="exceptions")
def _(bench: Bench) -> None:
    from loopback import Ending, no_answer  # noqa: PLC0415

    bench.replies(no_answer(Ending.CLOSE))
    is_openais(bench.fails(), "APIError")


@check("errors.body_has_openais_fields", 128, needs="client")
def _(bench: Bench) -> None:
    body = failing(bench, 400, "invalid_request_error", "no").body
    assert set(body) >= {"message", "type", "param", "code"}
    assert isinstance(body["message"], str)
    assert isinstance(body["type"], str)
    for key in ("param", "code"):
        assert body[key] is None or isinstance(body[key], str)


CODES = {
    "unknown_model": (404, "not_found_error", "model: nope", "model_not_found", "model"),
    "long_prompt": (
        400,
        "invalid_request_error",
        "prompt is too long: 1200000 tokens > 1000000 maximum",
        "context_length_exceeded",
        "messages",
    ),
    "wrong_key": (401, "authentication_error", "invalid x-api-key", "invalid_api_key", None),
    "rate_limit": (429, "rate_limit_error", "slow down", "rate_limit_exceeded", None),
}
for label, (status, kind, message, code, param) in CODES.items():

    @check(f"errors.code_of_{label}", 128, needs="client")
    def _(  # noqa: PLR0913, PLR0917  # defaults bind the loop's variables
        bench: Bench,
        status: int = status,
        kind: str = kind,
        message: str = message,
        code: str = code,
        param: str | None = param,
    ) -> None:
        error = failing(bench, status, kind, message)
        assert error.code == code
        assert param is None or error.param == param


@check("errors.retry_after_reaches_the_caller", needs="client")
def _(bench: Bench) -> None:
    error = failing(bench, 429, "rate_limit_error", headers={"retry-after": "7"})
    assert error.response.headers["retry-after"] == "7"


@check("errors.secret_key_is_in_no_message", 133)
def _(bench: Bench) -> None:
    from conformance.subjects import KEY  # noqa: PLC0415

    for status, (kind, _class) in STATUSES.items():
        error = failing(bench, status, kind, "no")
        assert KEY not in f"{error!s} {error!r}"


@check("errors.prompt_is_in_no_message", 133)
def _(bench: Bench) -> None:
    bench.replies(json_answer(error_body("api_error", "no"), status=500))
    error = bench.fails([{"role": "user", "content": "MY-SECRET-PROMPT"}])
    assert "MY-SECRET-PROMPT" not in f"{error!s} {error!r}"
