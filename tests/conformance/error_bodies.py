"""Error answers that are not the API's: HTML, nothing, lists, nested JSON, broken successes."""

from __future__ import annotations

import json
from typing import Any

from conformance.bench import Bench
from conformance.registry import check
from loopback import error_body, json_answer, whole

NESTED = json.dumps(error_body("invalid_request_error", "the real message"))
BODIES: dict[str, tuple[int, bytes, str]] = {
    "html_502": (502, b"<html><body>502 Bad Gateway</body></html>", "text/html"),
    "empty_504": (504, b"", "text/plain"),
    "a_list_500": (500, b"[]", "application/json"),
    "a_string_400": (400, b'"no"', "application/json"),
    "null_400": (400, b"null", "application/json"),
    "no_utf8_500": (500, b"\xff\xfe\x00", "application/json"),
    "numeric_code_400": (400, b'{"error":{"code":400,"message":"no"}}', "application/json"),
    "html_413": (413, b"<html>413 Request Entity Too Large</html>", "text/html"),
}
for label, (status, data, kind) in BODIES.items():

    @check(f"errors.body_{label}_keeps_the_status", 128)
    def _(bench: Bench, status: int = status, data: bytes = data, kind: str = kind) -> None:
        bench.replies(whole(data, status, {"content-type": kind}))
        error = bench.fails()
        if status == 413 and getattr(error, "status_code", None) == 400:
            return  # OpenAI has no class for 413, so its BadRequestError is as good
        bench.is_status(error, status)

    @check(f"errors.body_{label}_becomes_openais_envelope", 128, needs="client")
    def _(bench: Bench, status: int = status, data: bytes = data, kind: str = kind) -> None:
        bench.replies(whole(data, status, {"content-type": kind}))
        error: Any = bench.fails()
        assert isinstance(error.body, dict), error.body
        assert isinstance(error.body["message"], str)
        assert error.body.get("code") is None or isinstance(error.body["code"], str)


@check("errors.message_nested_as_text_is_unnested", 128, needs="client")
def _(bench: Bench) -> None:
    bench.replies(json_answer(error_body("invalid_request_error", NESTED), status=400))
    error: Any = bench.fails()
    assert error.body["message"] == "the real message"


SUCCESSES: dict[str, bytes] = {
    "html": b"<html>captive portal</html>",
    "empty": b"",
    "a_list": b"[]",
    "no_message": b'{"hello":1}',
    "cut_json": b'{"type":"message","content":[{"type":"te',
}
for label, data in SUCCESSES.items():

    @check(f"errors.success_of_{label}_is_no_answer")
    def _(bench: Bench, data: bytes = data) -> None:
        bench.replies(whole(data, 200, {"content-type": "application/json"}))
        bench.fails()

    @check(f"errors.stream_of_{label}_is_no_answer")
    def _(bench: Bench, data: bytes = data) -> None:
        bench.replies(whole(data, 200, {"content-type": "application/json"}))
        try:
            stream = bench.stream()
        except Exception:  # noqa: BLE001  # at the call or at the first chunk
            return
        assert stream.error is not None
