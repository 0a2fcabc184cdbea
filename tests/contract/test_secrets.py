"""The key goes to the API, and nowhere that outlives the request."""

from __future__ import annotations

import io
import pickle
import traceback

import openai
import pytest

from callers import HELLO
from loopback import (
    Ending,
    error_body,
    json_answer,
    message,
    no_answer,
    sse,
    stream_of,
    streamed,
    text_block,
)

KEY = "sk-ant-SECRET-of-the-test"
SECRETS = {"X-Api-Key": KEY, "Cookie": f"c={KEY}", "X-My-Token": KEY}
ANSWER = json_answer(message([text_block("Hi")]))
ERROR_EVENT = (
    b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no"}}\n\n'
)
STARTED = sse(stream_of([text_block("Hello")])[:4])

FAILURES = {
    "a status": ({}, json_answer(error_body("authentication_error", "no"), status=401)),
    "no answer": ({}, no_answer(Ending.CLOSE)),
    "no answer in time": ({"timeout": 0.05}, no_answer(Ending.STALL)),
    "none of the API's": ({}, json_answer({"a": 1})),
    "an error event": ({"stream": True}, streamed(STARTED + ERROR_EVENT)),
    "a cut stream": ({"stream": True}, streamed(STARTED)),
    "a torn stream": ({"stream": True}, streamed(STARTED, ending=Ending.RESET)),
    "a refusal of our own": ({"logprobs": True}, None),
}


@pytest.fixture(params=FAILURES.values(), ids=FAILURES)
def error(request, new_caller, server):
    params, script = request.param
    if script is not None:
        server.enqueue(script)
    caller = new_caller(api_key=KEY, default_headers=SECRETS)
    with pytest.raises(openai.APIError) as failure:
        list(caller.iterate(caller.create(messages=HELLO, **params)))
    if script is not None:
        assert server.last.headers["authorization"] == f"Bearer {KEY}"
        assert server.last.headers["x-my-token"] == KEY
    return failure.value


def test_a_pickled_error_has_no_key(error):
    cause: BaseException | None = error
    while cause is not None:
        written = io.BytesIO()
        pickle.Pickler(written).dump(cause)
        assert KEY.encode() not in written.getvalue()
        cause = cause.__cause__ or cause.__context__


def test_a_shown_error_has_no_key(error):
    shown = [repr(error), str(error), *traceback.format_exception(error), repr(vars(error))]
    shown += [repr(error.request), repr(error.request.headers)]
    assert KEY not in "".join(shown)


def test_the_request_of_an_error_is_there_but_for_the_secrets(error):
    request = error.request
    assert (request.method, request.url.path) == ("POST", "/v1/chat/completions")
    assert b"Hello!" in request.content
    assert request.headers["authorization"] == "[redacted]"
    assert request.headers["content-type"] == "application/json"
    response = getattr(error, "response", None)
    assert response is None or response.request is request


def test_a_retry_sends_the_key_again(new_caller, server):
    refused = json_answer(error_body("overloaded_error", "no"), 529, {"retry-after-ms": "1"})
    server.enqueue(refused, no_answer(Ending.CLOSE), ANSWER)
    new_caller(api_key=KEY, max_retries=2).create(messages=HELLO)
    sent = [request.headers["authorization"] for request in server.requests]
    assert sent == [f"Bearer {KEY}"] * 3


def test_a_raw_response_has_its_request_but_for_the_secrets(new_caller, server):
    server.enqueue(ANSWER)
    caller = new_caller(api_key=KEY)
    raw = caller.run(caller.client.chat.completions.with_raw_response.create(messages=HELLO))
    assert raw.http_request.headers["authorization"] == "[redacted]"
    assert raw.parse().choices[0].message.content == "Hi"


def test_hooks_of_the_callers_http_client_see_what_is_sent(new_caller, server):
    server.enqueue(no_answer(Ending.CLOSE))
    seen = []
    caller = new_caller(api_key=KEY)
    hooks = caller.client._client.event_hooks
    if caller.kind == "sync":
        hooks["request"].append(seen.append)
    else:

        async def hook(request):
            seen.append(request)

        hooks["request"].append(hook)
    caller.client._client.event_hooks = hooks
    with pytest.raises(openai.APIConnectionError):
        caller.create(messages=HELLO)
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"
