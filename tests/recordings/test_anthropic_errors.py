"""Every recorded error of the Messages API, through the real clients."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

import claif_cla
from loopback import json_answer, streamed
from recorded import Recording, anthropic_errors, recorded_params

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "q"}]}
CLASSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
}
CODES = {
    "authentication_error": "invalid_api_key",
    "not_found_error": "model_not_found",
    "rate_limit_error": "rate_limit_exceeded",
}

every_error = recorded_params("batch", anthropic_errors, batches=4)


def judge(error: openai.APIStatusError, recording: Recording) -> None:
    told = recording.body["error"]
    is_money = "credit balance" in told["message"]
    status = 429 if is_money else recording.status
    assert type(error) is CLASSES[status], recording
    assert error.status_code == status
    assert told["message"] in str(error)
    assert error.body["anthropic"] == told
    named = recording.headers.get("request-id") or recording.body.get("request_id")
    assert error.request_id == named, recording
    if is_money:
        assert error.code == "insufficient_quota"
    elif told["type"] in CODES:
        assert error.code == CODES[told["type"]], recording
    if told["type"] == "not_found_error":
        assert error.param == "model", recording
    if "Field required" in told["message"]:
        assert error.code == "missing_required_parameter"
        assert error.param in ("tools", "response_format"), recording


@every_error
@pytest.mark.parametrize("stream", [False, True])
def test_errors_raise_the_class_that_fits(server, batch, stream):
    for recording in batch:
        server.enqueue(json_answer(recording.body, recording.status, headers_of(recording)))
        with (
            claif_cla.ClaudeClient(api_key="k", base_url=server.url, max_retries=0) as claude,
            pytest.raises(openai.APIStatusError) as caught,
        ):
            claude.chat.completions.create(**ASK, stream=stream)
        judge(caught.value, recording)


@every_error
async def test_errors_raise_the_same_from_the_async_client(server, batch):
    for recording in batch:
        server.enqueue(json_answer(recording.body, recording.status, headers_of(recording)))
        async with claif_cla.AsyncClaudeClient(
            api_key="k", base_url=server.url, max_retries=0
        ) as claude:
            with pytest.raises(openai.APIStatusError) as caught:
                await claude.chat.completions.create(**ASK)
        judge(caught.value, recording)


@every_error
def test_errors_that_cannot_pass_are_not_retried(server, batch):
    for recording in batch:
        if recording.status == 429:
            continue
        script = json_answer(recording.body, recording.status, headers_of(recording))
        server.enqueue(script)
        before = len(server.requests)
        with (
            claif_cla.ClaudeClient(api_key="k", base_url=server.url, max_retries=2) as claude,
            pytest.raises(openai.APIStatusError),
        ):
            claude.chat.completions.create(**ASK)
        assert len(server.requests) == before + 1, recording


@every_error
def test_errors_as_the_first_event_of_a_stream_keep_their_status(server, batch):
    for recording in batch:
        data = json.dumps(recording.body).encode()
        server.enqueue(json_answer(recording.body))  # a proxy that has forgotten the status
        server.enqueue(streamed(b"event: error\ndata: " + data + b"\n\n"))
        for _ in range(2):
            with (
                claif_cla.ClaudeClient(api_key="k", base_url=server.url, max_retries=0) as claude,
                pytest.raises(openai.APIStatusError) as caught,
            ):
                claude.chat.completions.create(**ASK, stream=True)
            assert type(caught.value) is type_of(recording), recording


def type_of(recording: Recording) -> type[openai.APIStatusError]:
    is_money = "credit balance" in recording.body["error"]["message"]
    return CLASSES[429 if is_money else recording.status]


def headers_of(recording: Recording) -> dict[str, str]:
    hop = ("content-length", "content-type", "content-encoding", "transfer-encoding", "connection")
    return {name: v for name, v in recording.headers.items() if name.lower() not in hop}
