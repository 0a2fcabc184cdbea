from __future__ import annotations

import importlib.util
import pickle

import pytest

from claif_cla.wire.secret_headers import REDACTED, redact, redact_error

INSTALLED = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Proxy-Authorization", "X-Api-Key", "api-key", "apikey", "key"),
        *("cookie", "Set-Cookie", "x-amz-security-token", "x-client-secret", "x-password"),
        *("x-goog-api-key", "cf-access-client-secret", "helicone-auth"),
    ],
)
def test_secrets_are_overwritten(name):
    headers = {name: "s", "x-other": "1"}
    redact(headers)
    assert headers == {name: REDACTED, "x-other": "1"}


@pytest.mark.parametrize(
    "name", ["idempotency-key", "anthropic-version", "x-request-id", "x-keyboard", "content-type"]
)
def test_other_headers_stay(name):
    headers = {name: "s"}
    redact(headers)
    assert headers == {name: "s"}


@pytest.mark.parametrize("library", INSTALLED)
def test_an_error_gets_a_copy_of_its_request(library):
    module = importlib.import_module(library)
    request = module.Request(
        "POST", "http://h.test/a?b=c", headers={"x-api-key": "s"}, content=b"d"
    )
    error = module.ConnectError("no", request=request)
    redact_error(error)
    assert b"'s'" not in pickle.dumps(error)
    assert error.request.headers["x-api-key"] == REDACTED
    assert (error.request.method, str(error.request.url)) == ("POST", "http://h.test/a?b=c")
    assert error.request.content == b"d"
    assert request.headers["x-api-key"] == "s"


@pytest.mark.parametrize("library", INSTALLED)
def test_an_error_without_a_request_is_left_alone(library):
    module = importlib.import_module(library)
    for error in (module.ConnectError("no"), ValueError("no")):
        redact_error(error)
        assert getattr(error, "_request", None) is None
