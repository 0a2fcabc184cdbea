"""What reaches the upstream, through which HTTP client, and how often."""

from __future__ import annotations

import importlib
import time

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

ANSWER = json_answer(message([text_block("Hi")]))


def accepted_http_libraries():
    """`httpx`, `httpx2`: those that are installed and that the installed openai takes."""
    for name in ("httpx", "httpx2"):
        try:
            module = importlib.import_module(name)
            openai.OpenAI(api_key="k", http_client=module.Client()).close()
        except (ImportError, TypeError):
            continue
        yield module


LIBRARIES = list(accepted_http_libraries())
each_library = pytest.mark.parametrize("library", LIBRARIES, ids=lambda module: module.__name__)


def http_client_of(library, caller_kind, **options):
    return {"sync": library.Client, "async": library.AsyncClient}[caller_kind](**options)


def kind_of(new_caller):
    caller = new_caller()
    return caller.kind


# Headers


def test_the_key_travels_as_a_bearer_token(caller, server):
    server.enqueue(ANSWER)
    caller.create(messages=HELLO)
    assert server.last.headers["authorization"] == "Bearer sk-ant-test"
    assert "x-api-key" not in server.last.headers


def test_a_token_travels_as_a_bearer_token(new_caller, server):
    server.enqueue(ANSWER)
    new_caller(api_key=None, auth_token="token").create(messages=HELLO)
    assert server.last.headers["authorization"] == "Bearer token"


def test_own_headers_travel_and_openais_do_not(new_caller, server):
    server.enqueue(ANSWER)
    caller = new_caller(
        organization="org-mine", project="proj-mine", default_headers={"x-default": "1"}
    )
    caller.create(messages=HELLO, extra_headers={"X-Extra": "2", "anthropic-beta": "b-1"})
    headers = server.last.headers
    assert (headers["x-default"], headers["x-extra"]) == ("1", "2")
    assert headers["anthropic-beta"] == "b-1"
    assert headers["anthropic-version"]
    assert headers["user-agent"].startswith("claif_cla/")
    assert not [name for name in headers if name.startswith(("openai-", "x-stainless-"))]


@pytest.mark.parametrize("level", ["default_headers", "extra_headers"])
def test_own_authorization_wins(new_caller, server, level):
    server.enqueue(ANSWER)
    own = {"Authorization": "Bearer own"}
    caller = new_caller(**({level: own} if level == "default_headers" else {}))
    caller.create(messages=HELLO, **({level: own} if level == "extra_headers" else {}))
    assert server.last.headers["authorization"] == "Bearer own"


def test_authorization_can_be_left_out(caller, server):
    server.enqueue(ANSWER)
    caller.create(messages=HELLO, extra_headers={"Authorization": openai.Omit()})
    assert "authorization" not in server.last.headers


@pytest.mark.parametrize("refused", [0, 2])
def test_a_function_for_the_key_is_asked_before_each_request(new_caller, server, refused):
    keys = iter(["first", "second", "third", "fourth"])
    caller = new_caller(max_retries=2)
    source = caller.key_source(lambda: next(keys))
    caller = new_caller(api_key=source, max_retries=2)
    busy = json_answer(error_body("api_error", "busy"), 500, {"retry-after-ms": "1"})
    server.enqueue(*[busy] * refused, ANSWER, ANSWER)
    caller.create(messages=HELLO)
    copied = caller.client.with_options(timeout=5)
    caller.run(copied.chat.completions.create(messages=HELLO))
    used = [request.headers["authorization"] for request in server.requests]
    expected = ["Bearer first", "Bearer second", "Bearer third", "Bearer fourth"]
    assert used == expected[: refused + 2]


# Query


def test_queries_travel(new_caller, server):
    server.enqueue(ANSWER)
    caller = new_caller(default_query={"tenant": "a b"})
    caller.create(messages=HELLO, extra_query={"n": "1"})
    assert server.last.query in ("tenant=a+b&n=1", "tenant=a%20b&n=1")


@each_library
def test_queries_of_the_http_client_travel_once(new_caller, server, library):
    server.enqueue(ANSWER)
    http_client = http_client_of(library, kind_of(new_caller), params={"mine": "1"})
    caller = new_caller(http_client=http_client, default_query={"tenant": "a"})
    caller.create(messages=HELLO)
    assert sorted(server.last.query.split("&")) == ["mine=1", "tenant=a"]


# The caller's own HTTP client


@each_library
def test_an_own_http_client_does_the_upstream_hop(new_caller, server, library):
    seen = []
    kind = kind_of(new_caller)

    def sync_hook(request):
        seen.append(request)

    async def async_hook(request):
        seen.append(request)

    hook = sync_hook if kind == "sync" else async_hook
    http_client = http_client_of(
        library, kind, headers={"x-corporate": "1"}, event_hooks={"request": [hook]}
    )
    server.enqueue(ANSWER, streamed(sse(stream_of([text_block("Hi")]))))
    caller = new_caller(http_client=http_client)
    answer = caller.create(messages=HELLO)
    chunks = list(caller.iterate(caller.create(messages=HELLO, stream=True)))
    assert answer.choices[0].message.content == "Hi"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert [request.url.path for request in seen] == ["/v1/messages"] * 2
    assert {type(request).__module__.partition(".")[0] for request in seen} == {library.__name__}
    assert server.last.headers["x-corporate"] == "1"


@each_library
def test_a_mock_transport_sees_timeouts_and_the_request(new_caller, library):
    requests = []

    def answer(request):
        requests.append(request)
        return library.Response(200, json=message([text_block("mocked")]))

    kind = kind_of(new_caller)
    http_client = http_client_of(library, kind, transport=library.MockTransport(answer))
    caller = new_caller(http_client=http_client, base_url="https://nowhere.test/api", timeout=50)
    first = caller.create(messages=HELLO)
    caller.create(messages=HELLO, timeout=library.Timeout(7, read=3))
    assert first.choices[0].message.content == "mocked"
    assert [str(request.url) for request in requests] == [
        "https://nowhere.test/api/v1/messages"
    ] * 2
    assert requests[0].extensions["timeout"]["read"] == 50
    assert requests[1].extensions["timeout"] == {"connect": 7, "read": 3, "write": 7, "pool": 7}


@each_library
def test_own_errors_of_the_transport_become_connection_errors(new_caller, library):
    def no_such_host(request):
        raise library.ConnectError("[Errno -2] Name or service not known", request=request)

    kind = kind_of(new_caller)
    http_client = http_client_of(library, kind, transport=library.MockTransport(no_such_host))
    caller = new_caller(http_client=http_client)
    for stream in (False, True):
        with pytest.raises(openai.APIConnectionError) as caught:
            caller.create(messages=HELLO, stream=stream)
        assert isinstance(caught.value.__cause__, library.ConnectError)


@each_library
@pytest.mark.parametrize("follow", [True, False])
def test_redirects_are_followed_where_the_http_client_does(new_caller, server, library, follow):
    location = {"location": f"{server.url}/moved"}
    server.enqueue(json_answer({}, 307, location), ANSWER)
    kind = kind_of(new_caller)
    caller = new_caller(http_client=http_client_of(library, kind, follow_redirects=follow))
    if follow:
        caller.create(messages=HELLO)
        assert server.last.path == "/moved"
        assert server.last.json["messages"]
    else:
        with pytest.raises(openai.APIStatusError):
            caller.create(messages=HELLO)


@each_library
def test_closing_the_client_closes_an_own_http_client_as_the_stock_one_does(new_caller, library):
    caller = new_caller()
    stock_class = openai.OpenAI if caller.kind == "sync" else openai.AsyncOpenAI
    outcomes = []
    for make in (stock_class, type(caller.client)):
        http_client = http_client_of(library, caller.kind)
        caller.run(make(api_key="k", http_client=http_client).close())
        outcomes.append(http_client.is_closed)
    assert outcomes[0] == outcomes[1]


# Timeouts


@pytest.mark.parametrize("stream", [False, True])
def test_a_timeout_of_the_call_ends_a_silent_upstream(caller, server, stream):
    server.enqueue(no_answer(Ending.STALL))
    began = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        caller.create(messages=HELLO, stream=stream, timeout=0.2)
    assert time.monotonic() - began < 5
    server.wait_until_closed()


def test_a_timeout_of_the_client_ends_a_silent_upstream(new_caller, server):
    server.enqueue(no_answer(Ending.STALL), no_answer(Ending.STALL))
    caller = new_caller(timeout=0.1)
    with pytest.raises(openai.APITimeoutError):
        caller.create(messages=HELLO)
    with pytest.raises(openai.APITimeoutError):
        caller.run(caller.client.copy(timeout=0.2).chat.completions.create(messages=HELLO))


# Retries


@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_alone_retries(new_caller, server, retries, stream):
    busy = json_answer(error_body("overloaded_error", "busy"), 529, {"retry-after-ms": "1"})
    server.answer_with(lambda request: busy)
    with pytest.raises(openai.InternalServerError):
        new_caller(max_retries=retries).create(messages=HELLO, stream=stream)
    assert len(server.requests) == retries + 1


def test_a_connection_that_is_cut_is_retried_by_the_sdk_alone(new_caller, server, monkeypatch):
    slept = []
    monkeypatch.setattr(
        "openai._base_client.BaseClient._calculate_retry_timeout",
        lambda *args, **options: slept.append(1) or 0,
    )
    server.enqueue(no_answer(Ending.CLOSE), streamed(b"", ending=Ending.CLOSE), ANSWER)
    answer = new_caller(max_retries=2).create(messages=HELLO)
    assert answer.choices[0].message.content == "Hi"
    assert (len(server.requests), len(slept)) == (3, 2)


@pytest.mark.parametrize(
    ("status", "should_retry", "count"),
    [(500, "false", 1), (429, "false", 1), (400, "true", 3), (500, "true", 3), (400, None, 1)],
)
def test_x_should_retry_is_respected(new_caller, server, status, should_retry, count):
    headers = {"retry-after-ms": "1"} | ({"x-should-retry": should_retry} if should_retry else {})
    server.answer_with(lambda request: json_answer(error_body("api_error", "no"), status, headers))
    with pytest.raises(openai.APIStatusError):
        new_caller(max_retries=2).create(messages=HELLO)
    assert len(server.requests) == count


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "20", "retry-after": "9"}, 0.02),
    ],
)
def test_retry_after_reaches_the_sdk(new_caller, server, monkeypatch, headers, waited):
    pauses = []
    original = openai.OpenAI._calculate_retry_timeout

    def calculate(self, *args, **options):
        pauses.append(original(self, *args, **options))
        return 0

    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", calculate)
    server.enqueue(json_answer(error_body("rate_limit_error", "slow"), 429, headers), ANSWER)
    new_caller(max_retries=1).create(messages=HELLO)
    assert pauses == [waited]


def test_an_empty_balance_is_not_retried(new_caller, server):
    body = error_body("billing_error", "Your credit balance is too low")
    server.answer_with(lambda request: json_answer(body, 402))
    with pytest.raises(openai.RateLimitError) as caught:
        new_caller(max_retries=2).create(messages=HELLO)
    assert caught.value.code == "insufficient_quota"
    assert len(server.requests) == 1


def test_an_error_event_before_the_answer_is_retried_as_a_status(new_caller, server):
    overloaded = sse([{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}])
    server.enqueue(
        streamed(overloaded, headers={"retry-after-ms": "1"}),
        streamed(sse(stream_of([text_block("Hi")]))),
    )
    caller = new_caller(max_retries=1)
    chunks = list(caller.iterate(caller.create(messages=HELLO, stream=True)))
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len(server.requests) == 2


# Connections


def test_connections_are_used_again(caller, server):
    server.answer_with(
        lambda request: (
            streamed(sse(stream_of([text_block("Hi")]))) if request.json.get("stream") else ANSWER
        )
    )
    for stream in (False, True, False, True, True):
        answer = caller.create(messages=HELLO, stream=stream)
        if stream:
            assert list(caller.iterate(answer))
    assert len(server.requests) == 5
    assert server.open_connections == 1


def test_response_headers_outside_ascii_do_no_harm(caller, server):
    server.enqueue(json_answer(message([text_block("Hi")]), 200, {"x-note": "café"}))
    raw = caller.run(caller.client.chat.completions.with_raw_response.create(messages=HELLO))
    assert raw.headers["x-note"] == "café"
