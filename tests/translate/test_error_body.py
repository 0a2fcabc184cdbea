from __future__ import annotations

import json

import openai
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claif_cla.errors import MalformedAnswer, Refusal
from claif_cla.translate.error_body import (
    MAX_ENVELOPES,
    MAX_MESSAGE,
    STATUS_OF_TYPE,
    error_answer,
    event_answer,
    fault_answer,
    refusal_answer,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = st.sampled_from(["type", "error", "message", "details", "error_code", "detail", "x"])
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=8
)


def anthropic(kind, message, **more):
    return {"type": "error", "error": {"type": kind, "message": message, **more}}


def error_of(status, body, headers=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = error_answer(status, headers or {}, data, 0)
    return answer, answer.body["error"]


@pytest.mark.parametrize(
    ("status", "kind", "message", "shown", "type_", "code", "param"),
    [
        (400, "invalid_request_error", "no", 400, "invalid_request_error", None, None),
        (401, "authentication_error", "k", 401, "invalid_request_error", "invalid_api_key", None),
        (402, "billing_error", "b", 429, "insufficient_quota", "insufficient_quota", None),
        (403, "permission_error", "p", 403, "permission_error", "permission_denied", None),
        (
            404,
            "not_found_error",
            "model 'nope' is not loaded",
            404,
            "invalid_request_error",
            "model_not_found",
            "model",
        ),
        (404, "not_found_error", "Not Found", 404, "invalid_request_error", "not_found", None),
        (408, "timeout_error", "t", 408, "timeout_error", "timeout", None),
        (409, "conflict_error", "c", 409, "conflict_error", None, None),
        (413, "request_too_large", "l", 413, "invalid_request_error", "request_too_large", None),
        (422, "invalid_request_error", "u", 422, "invalid_request_error", None, None),
        (429, "rate_limit_error", "r", 429, "rate_limit_error", "rate_limit_exceeded", None),
        (499, "api_error", "e", 499, "api_error", None, None),
        (500, "api_error", "e", 500, "server_error", "server_error", None),
        (503, "api_error", "e", 503, "server_error", "service_unavailable", None),
        (504, "timeout_error", "t", 504, "server_error", "timeout", None),
        (529, "overloaded_error", "o", 503, "server_error", "overloaded", None),
    ],
)
def test_statuses_stay_true_and_get_openais_words(  # noqa: PLR0913, PLR0917
    status, kind, message, shown, type_, code, param
):
    answer, error = error_of(status, anthropic(kind, message))
    assert answer.status == shown
    assert error == {
        "message": message,
        "type": type_,
        "param": param,
        "code": code,
        "anthropic": {"type": kind, "message": message},
    }


def test_who_names_no_model_of_claudes_is_told_where_they_are():
    _, error = error_of(404, anthropic("not_found_error", "model: gpt-4o"))
    assert error["message"].startswith("model: gpt-4o (no such model; ")
    assert "model_aliases" in error["message"]
    assert error["anthropic"]["message"] == "model: gpt-4o"


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("prompt is too long: 5 tokens > 4 maximum", "context_length_exceeded", "messages"),
        (
            "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            "context_length_exceeded",
            "messages",
        ),
        ("foo: Extra inputs are not permitted", "unknown_parameter", "foo"),
        ("max_tokens: Field required", "missing_required_parameter", "max_completion_tokens"),
        ("tools.0.custom.input_schema.type: Field required", "missing_required_parameter", "tools"),
        ("messages.0.content.1.image: image exceeds 5 MB", "image_too_large", "messages"),
        ("image dimensions exceed max allowed size", "image_too_large", None),
        ("temperature: range: 0..1", None, "temperature"),
        ("system: text content blocks must be non-empty", None, "messages"),
        ("stop_sequences.0: each must have non-whitespace", None, "stop"),
        ("metadata.user_id: too long", None, "user"),
        ("output_config.format.schema: nope", None, "response_format"),
        ("thinking: nope", None, "reasoning_effort"),
        ("The request body is not valid JSON: x", None, None),
    ],
)
def test_bad_requests_name_the_parameter(message, code, param):
    _, error = error_of(400, anthropic("invalid_request_error", message))
    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "Your credit balance is too low to access the Anthropic API."}),
        (400, {"message": "You have reached your specified API usage limits."}),
        (429, {"message": "m", "details": {"error_code": "enforced_spend_limit_reached"}}),
        (429, {"message": "monthly spend limit reached"}),
        (403, {"message": "The spending cap of this workspace is reached"}),
        (500, {"type": "billing_error", "message": "m"}),
    ],
)
def test_money_is_insufficient_quota_and_not_retried(status, error):
    answer, shown = error_of(status, {"error": error})
    assert answer.status == 429
    assert answer.headers["x-should-retry"] == "false"
    assert (shown["type"], shown["code"]) == ("insufficient_quota", "insufficient_quota")


def test_a_rate_limit_that_says_when_it_ends_is_no_spend_limit():
    error = anthropic("rate_limit_error", "above the usage limits of this minute")
    answer, shown = error_of(429, error, {"retry-after": "5"})
    assert shown["code"] == "rate_limit_exceeded"
    assert answer.headers == {"retry-after": "5"}


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("anthropic-ratelimit-requests-remaining", "requests"),
        ("anthropic-ratelimit-tokens-remaining", "tokens"),
        ("anthropic-ratelimit-output-tokens-remaining", "tokens"),
        ("x-other", "rate_limit_error"),
    ],
)
def test_a_rate_limit_tells_which_one_was_met(header, kind):
    assert error_of(429, anthropic("rate_limit_error", "m"), {header: "0"})[1]["type"] == kind


@pytest.mark.parametrize(("status", "code"), [(400, "file_expired"), (403, "organization_on_hold")])
def test_a_code_of_the_api_is_passed_on(status, code):
    _, error = error_of(status, anthropic("e", "m", details={"error_code": code}))
    assert error["code"] == code


def test_the_request_id_of_the_body_stands_in_for_the_header():
    body = anthropic("api_error", "m") | {"request_id": "req_body"}
    assert error_of(500, body)[0].headers["x-request-id"] == "req_body"
    answer, _ = error_of(500, body, {"request-id": "req_header"})
    assert answer.headers["x-request-id"] == "req_header"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "m"}}, "m"),
        ({"error": "m"}, "m"),
        ({"message": "m"}, "m"),
        ({"detail": "m"}, "m"),
        ([{"error": {"message": "m"}}], "m"),
        ({"error": json.dumps({"error": {"message": "m"}})}, "m"),
        ({"error": {"message": json.dumps(anthropic("api_error", "m"))}}, "m"),
        ({"error": {"message": " [1"}}, " [1"),
        ({"error": {"message": "{cut"}}, "{cut"),
        ({"error": {"message": ["m"]}}, '{"message":["m"]}'),
        ({"error": {"type": "t", "message": ""}}, '{"type":"t","message":""}'),
        ({"detail": [{"msg": "m"}]}, '{"msg":"m"}'),
        ({"detail": ["m"]}, '{"detail":["m"]}'),
        ([], "[]"),
        (b"", "The server answered 500 without a message."),
        (b"{}", "{}"),
        (b"<!doctype html><style>p{}</style><h1>Bad\n Gateway</h1>", "Bad Gateway"),
        (b"<HTML><script>x</script>502", "502"),
        (b"plain \xff text", "plain � text"),
        (b'{"error": {"mess', '{"error": {"mess'),
        (b"x" * 9000, "x" * MAX_MESSAGE),
    ],
)
def test_the_message_is_found_in_any_envelope(body, message):
    assert error_of(500, body)[1]["message"] == message


def test_envelopes_are_opened_only_so_deep():
    body = {"message": "m"}
    for _ in range(MAX_ENVELOPES + 1):
        body = {"error": body}
    assert error_of(500, body)[1]["message"] == '{"error":{"message":"m"}}'


def test_envelopes_in_a_mapping_that_says_nothing_are_shown_as_they_are():
    assert error_of(500, {"error": {}, "x": 1})[1]["message"] == '{"error":{},"x":1}'


@pytest.mark.parametrize(("kind", "status"), STATUS_OF_TYPE.items())
def test_an_error_event_gets_the_status_of_its_type(kind, status):
    by_status = error_of(status, anthropic(kind, "m"))
    answer = event_answer(anthropic(kind, "m"), {}, 0)
    assert (answer.status, answer.body["error"]) == (by_status[0].status, by_status[1])


@pytest.mark.parametrize("error", [{"type": "of_the_future", "message": "m"}, {}, "m", None, [1]])
def test_an_unknown_error_event_is_a_server_error(error):
    answer = event_answer({"type": "error", "error": error}, {}, 0)
    assert answer.status == 500
    assert answer.body["error"]["code"] == "server_error"


def test_an_error_event_brings_its_request_id():
    event = anthropic("overloaded_error", "m") | {"request_id": "req_1"}
    assert event_answer(event, {}, 0).headers == {"x-request-id": "req_1"}


def test_a_refusal_names_the_parameter():
    answer = refusal_answer(Refusal("no", param="n", code="c", status=404))
    assert answer.status == 404
    assert answer.body == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "n", "code": "c"}
    }


def test_a_broken_protocol_is_a_502_that_is_not_retried():
    answer = fault_answer(MalformedAnswer("what came"))
    assert (answer.status, answer.headers) == (502, {"x-should-retry": "false"})
    assert answer.body["error"]["code"] == "malformed_answer"
    assert "what came" in answer.body["error"]["message"]


def judge(error):
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["type"], str)
    assert error["param"] is None or isinstance(error["param"], str)
    assert error["code"] is None or isinstance(error["code"], str)
    assert openai.types.ErrorObject.model_validate(error)


@given(st.integers(400, 599), JSON.map(json.dumps).map(str.encode) | st.binary())
@example(500, b"[" * 5000)
@example(500, b'{"error":' * 150 + b"1" + b"}" * 150)
@example(404, b"\xef\xbb\xbf{}")
def test_any_error_body_becomes_openais_envelope(status, body):
    answer, error = error_of(status, body)
    assert 400 <= answer.status < 600
    judge(error)


@given(st.fixed_dictionaries({"type": st.just("error")}, optional={"error": JSON, "x": JSON}))
def test_any_error_event_becomes_openais_envelope(event):
    judge(event_answer(event, {}, 0).body["error"])


@given(JSON.map(json.dumps), st.integers(0, 60))
def test_a_cut_error_body_becomes_openais_envelope(body, end):
    judge(error_of(502, body.encode()[:end])[1])
