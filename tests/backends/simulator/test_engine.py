"""The engine's front: paths, credentials, versions, bodies."""

from __future__ import annotations

import json

import pytest

from claif_cla.backends.simulator.engine import MAX_BODY_BYTES, Engine


def test_an_answer_says_that_it_comes_from_no_model(ask):
    answer = ask("Hello there")
    assert answer.status == 200
    assert answer.text == "This is the claif_cla simulator, not a model. You said: Hello there"


def test_equal_requests_get_equal_answers_from_any_engine(ask, ask_with):
    assert ask("twice").raw == ask("twice").raw == ask_with()("twice").raw


def test_different_requests_get_different_ids(ask):
    one, other = ask("one").json, ask("other").json
    assert one["id"] != other["id"]


def test_headers_are_those_of_the_api(ask):
    headers = ask().headers
    assert headers["content-type"] == "application/json"
    assert headers["request-id"].startswith("req_01")
    for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
        for part in ("limit", "remaining", "reset"):
            assert f"anthropic-ratelimit-{kind}-{part}" in headers


def test_rate_limit_reset_follows_the_clock(ask, clock):
    clock.now = 0.0
    assert ask().headers["anthropic-ratelimit-tokens-reset"] == "1970-01-01T00:00:01Z"


def test_an_error_carries_the_request_id_of_its_header(ask):
    answer = ask(model="nothing")
    assert answer.json["type"] == "error"
    assert answer.json["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"x-api-key": "invalid"}, 401, "invalid x-api-key"),
        ({"authorization": "Bearer invalid"}, 401, "Invalid bearer token"),
        (
            {"anthropic-version": "2020-01-01"},
            400,
            'anthropic-version: "2020-01-01" is not a valid version',
        ),
    ],
)
def test_bad_credentials_and_versions_are_told(ask, headers, status, message):
    answer = ask(headers=headers)
    assert (answer.status, answer.message) == (status, message)


def test_a_missing_version_is_told(engine):
    response = engine.handle("POST", "/v1/messages", {}, b"{}")
    assert response.status == 400
    assert b"anthropic-version: header is required" in response.body()


def test_a_missing_key_is_told_where_one_is_required(ask_with):
    answer = ask_with(require_key=True)()
    assert (answer.status, answer.message) == (401, "x-api-key header is required")
    assert ask_with(require_key=True)(headers={"X-Api-Key": "any"}).status == 200
    assert ask_with(require_key=True)(headers={"Authorization": "Bearer any"}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/messages", 405),
        ("POST", "/v1/models", 405),
        ("POST", "/v1/complete", 404),
        ("GET", "/", 404),
        ("GET", "/v1/models/none", 404),
    ],
)
def test_other_paths_and_methods_are_refused(ask, method, path, status):
    answer = ask.send(method, path)
    assert answer.status == status
    assert answer.json["type"] == "error"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":"\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_is_told(ask, body):
    answer = ask.send("POST", "/v1/messages", body)
    assert answer.status == 400
    assert answer.message.startswith("The request body is not valid JSON: ")


@pytest.mark.parametrize("body", [b"[]", b"1", b'"text"', b"null"])
def test_json_that_is_no_object_is_told(ask, body):
    answer = ask.send("POST", "/v1/messages", body)
    assert (answer.status, answer.message) == (400, "Input should be a valid dictionary")


def test_an_escaped_surrogate_pair_is_fine(ask):
    body = json.dumps({**ask.defaults, "messages": [{"role": "user", "content": "\U0001f600"}]})
    assert "\\ud83d" in body
    assert ask.send("POST", "/v1/messages", body.encode()).text.endswith("\U0001f600")


def test_a_body_beyond_the_limit_gets_the_413_of_the_edge(ask):
    answer = ask.send("POST", "/v1/messages", b" " * (MAX_BODY_BYTES + 1))
    assert answer.status == 413
    assert answer.json == {
        "error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}
    }


def test_a_prompt_beyond_the_window_is_too_long(ask):
    answer = ask("x" * 4_100_000)
    assert answer.status == 400
    assert answer.message.startswith("prompt is too long: ")
    assert answer.message.endswith(" tokens > 1000000 maximum")


@pytest.mark.parametrize("options", [{"faults": "boom"}, {"pace": "fast"}])
def test_an_engine_refuses_options_it_does_not_understand(options):
    with pytest.raises(ValueError, match="is not understood"):
        Engine(**options)


def test_count_tokens_counts_what_usage_says(ask):
    fields = {
        "system": "You are terse.",
        "tools": [{"name": "t", "input_schema": {"type": "object"}}],
    }
    counted = ask("Hello", path="/v1/messages/count_tokens", **fields)
    assert counted.json == {"input_tokens": ask("Hello", **fields).json["usage"]["input_tokens"]}


def test_count_tokens_refuses_the_fields_of_messages(ask):
    answer = ask(path="/v1/messages/count_tokens", stream=True)
    assert answer.message == "stream: Extra inputs are not permitted"
