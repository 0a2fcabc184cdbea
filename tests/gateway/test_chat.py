"""Chat Completions through the gateway: what the flows do not decide."""

from __future__ import annotations

import json
import time

import httpx2
import openai
import pytest

from claif_cla.gateway.keys import KeyLimits, Scopes
from claif_cla.gateway.ledger import Report
from loopback import (
    Ending,
    Gate,
    error_body,
    error_event,
    json_answer,
    message,
    no_answer,
    sse,
    stream_of,
    streamed,
    text_block,
    usage_of,
)

HELLO = [{"role": "user", "content": "Hello"}]
WHOLE = message([text_block("Hi")], usage=usage_of(1000, 500))
EVENTS = sse(stream_of([text_block("Hi there")], usage=usage_of(1000, 500)))
OVERLOADED = json_answer(error_body("overloaded_error", "Overloaded"), status=529)


def post(gateway, path="/v1/chat/completions", headers=None, **body):
    body = {"model": "sonnet", "messages": HELLO, **body}
    with httpx2.Client(timeout=30) as client:
        return client.post(gateway.url + path, json=body, headers=headers or {})


def events_of(response):
    lines = [line for line in response.text.split("\n") if line.startswith("data: ")]
    return [line.removeprefix("data: ") for line in lines]


def client_of(gateway, key="any"):
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)


def settled(gateway):
    """Once nothing runs any more."""
    for _ in range(1000):
        if gateway.app.in_flight == 0 and not gateway._server.server_state.tasks:
            return
        gateway.call(lambda: None)
    raise TimeoutError("something still runs")


def report(tmp_path):
    with Report(tmp_path / "ledger.db") as found:
        return found.sums(["model"])


def charged(tmp_path):
    """The sums, once there is a request in the ledger: it comes there after who left has gone."""
    for _ in range(1000):
        if sums := report(tmp_path):
            return sums
        time.sleep(0.01)
    raise TimeoutError("nothing comes into the ledger")


def test_an_answer_tells_what_it_took(gateway, server):
    server.enqueue(json_answer(WHOLE))
    answer = post(gateway)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"
    assert answer.headers["x-claif-request-id"].startswith("req_")
    assert float(answer.headers["x-claif-cost-usd"]) > 0
    assert float(answer.headers["x-claif-overhead-ms"]) >= 0


def test_an_error_without_upstreams_name_has_the_gateways_own(gateway, server):
    headers = post(gateway, logprobs=True).headers
    assert headers["x-request-id"] == headers["x-claif-request-id"]
    assert server.requests == []


def test_an_adaptation_is_told_in_a_header(gateway, server):
    server.enqueue(json_answer(WHOLE))
    assert "seed" in post(gateway, seed=7).headers["x-claif-adapted"]


def test_a_stream_ends_with_done(gateway, server):
    server.enqueue(streamed(EVENTS))
    told = events_of(post(gateway, stream=True))
    assert told[-1] == "[DONE]"
    assert json.loads(told[-2])["choices"][0]["finish_reason"] == "stop"


def test_an_error_in_the_middle_of_a_stream_is_its_last_event(gateway, server):
    cut = EVENTS.index(b"event: content_block_stop")
    server.enqueue(streamed(EVENTS[:cut] + sse([error_event("overloaded_error", "Overloaded")])))
    told = events_of(post(gateway, stream=True))
    assert json.loads(told[-1])["error"]["code"] == "overloaded"
    settled(gateway)


def test_what_is_told_of_an_event_that_is_none_has_no_key_in_it(gateway, server):
    cut = EVENTS.index(b"event: content_block_stop")
    server.enqueue(streamed(EVENTS[:cut] + b"data: {sk-ant-upstream-secret-0123456789-only\n\n"))
    error = json.loads(events_of(post(gateway, stream=True))[-1])["error"]
    assert error["message"].endswith("an event of the stream is no JSON: '{***'.")


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_a_stream_that_is_cut_does_not_say_done(gateway, server, ending):
    cut = EVENTS.index(b"event: content_block_stop")
    server.enqueue(streamed(EVENTS[:cut], ending=ending))
    told = events_of(post(gateway, stream=True))
    assert "error" in json.loads(told[-1])
    settled(gateway)


def test_the_upstreams_error_keeps_its_status(gateway, server):
    server.enqueue(json_answer(error_body("rate_limit_error", "slow"), status=429))
    with client_of(gateway) as client, pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="sonnet", messages=HELLO)


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_cannot_be_reached_is_told(start, refused_url, stream):
    gateway = start({"upstream.max_retries": 0}, only=refused_url)
    answer = post(gateway, stream=stream)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_unreachable"


def test_what_is_no_answer_of_the_api_is_told(gateway, server):
    server.enqueue(json_answer(["no message"]))
    assert post(gateway).status_code == 502


# Fallbacks


def test_another_model_answers_where_the_first_cannot(start, server):
    fallbacks = {"opus": ["sonnet"]}
    gateway = start({"upstream.max_retries": 0, "models.fallbacks": fallbacks}, only=server.url)
    server.enqueue(OVERLOADED, json_answer(WHOLE))
    answer = post(gateway, model="opus")
    assert answer.status_code == 200
    models = [json.loads(request.body)["model"] for request in server.requests]
    assert [name.split("-")[1] for name in models] == ["opus", "sonnet"]
    assert answer.headers["x-claif-model"] == models[1]


def test_what_the_request_is_to_blame_for_is_not_tried_elsewhere(start, server):
    fallbacks = {"opus": ["sonnet"]}
    gateway = start({"upstream.max_retries": 0, "models.fallbacks": fallbacks}, only=server.url)
    server.enqueue(json_answer(error_body("not_found_error", "no"), status=404))
    assert post(gateway, model="opus").status_code == 404
    assert len(server.requests) == 1


def test_the_last_models_error_is_the_answer(start, server):
    fallbacks = {"opus": ["sonnet"]}
    gateway = start({"upstream.max_retries": 0, "models.fallbacks": fallbacks}, only=server.url)
    server.enqueue(OVERLOADED, OVERLOADED)
    assert post(gateway, model="opus").json()["error"]["code"] == "overloaded"


def test_no_fallback_leads_out_of_a_keys_scope(start, server, keys):
    _, secret = keys.create("opus only", scopes=Scopes(models=("claude-opus-*",)))
    fallbacks = {"opus": ["sonnet"]}
    gateway = start({"upstream.max_retries": 0, "models.fallbacks": fallbacks}, only=server.url)
    server.enqueue(OVERLOADED)
    answer = post(gateway, model="opus", headers={"x-api-key": secret})
    assert answer.status_code == 503
    assert len(server.requests) == 1


# Silence, and callers who leave


def test_a_silent_stream_is_kept_alive(start, server):
    gateway = start({"server.comment_seconds": 0.05}, only=server.url)
    gate = Gate()
    server.enqueue(streamed([gate, EVENTS]))
    body = {"model": "sonnet", "messages": HELLO, "stream": True}
    with (
        httpx2.Client(timeout=30) as client,
        client.stream("POST", f"{gateway.url}/v1/chat/completions", json=body) as answer,
    ):
        pieces = answer.iter_text()
        assert next(pieces).startswith(": ")
        # Whose time it was is not known while upstream is silent.
        assert "x-claif-overhead-ms" not in answer.headers
        gate.open()
        told = "".join(pieces)
    assert told.endswith("data: [DONE]\n\n")


def test_an_error_after_the_first_comment_comes_as_an_event(start, server):
    gateway = start({"server.comment_seconds": 0.05, "upstream.max_retries": 0}, only=server.url)
    gate = Gate()
    server.enqueue(streamed([gate, sse([error_event("overloaded_error", "Overloaded")])]))
    body = {"model": "sonnet", "messages": HELLO, "stream": True}
    with (
        httpx2.Client(timeout=30) as client,
        client.stream("POST", f"{gateway.url}/v1/chat/completions", json=body) as answer,
    ):
        pieces = answer.iter_text()
        next(pieces)
        gate.open()
        told = "".join(pieces)
    assert answer.status_code == 200
    assert '"overloaded"' in told
    assert "[DONE]" not in told


@pytest.mark.parametrize("script", [no_answer(Ending.STALL), streamed(b"", ending=Ending.STALL)])
@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_before_the_first_word_ends_the_upstream_call(gateway, server, script, stream):
    server.enqueue(script)
    with pytest.raises(openai.APITimeoutError):
        client_of(gateway).with_options(timeout=0.3).chat.completions.create(
            model="sonnet", messages=HELLO, stream=stream
        )
    server.wait_until_abandoned()
    settled(gateway)


JSON = {"content-type": "application/json"}
STALLED = [no_answer(Ending.STALL), streamed(b"", ending=Ending.STALL)]


@pytest.mark.parametrize("script", [*STALLED, streamed(b"", headers=JSON, ending=Ending.STALL)])
def test_who_leaves_before_the_first_word_is_charged_for_the_prompt(
    gateway, server, script, tmp_path
):
    server.enqueue(script)
    with pytest.raises(openai.APITimeoutError):
        client_of(gateway).with_options(timeout=0.3).chat.completions.create(
            model="sonnet", messages=[{"role": "user", "content": "word " * 1000}]
        )
    server.wait_until_abandoned()
    (sums,) = charged(tmp_path)
    assert (sums.requests, sums.output) == (1, 0)
    assert sums.input > 500
    assert sums.cost > 0


def test_who_leaves_in_the_middle_is_charged_for_what_was_said(gateway, server, tmp_path):
    cut = EVENTS.index(b"event: content_block_stop")
    server.enqueue(streamed(EVENTS[:cut], ending=Ending.STALL))
    with client_of(gateway) as client:
        stream = client.chat.completions.create(model="sonnet", messages=HELLO, stream=True)
        next(iter(stream))
        stream.close()
    server.wait_until_abandoned()
    (sums,) = charged(tmp_path)
    assert sums.requests == 1
    assert sums.input == 1000
    assert sums.cost > 0


# Money and limits


@pytest.mark.parametrize("stream", [False, True])
def test_the_ledger_knows_before_the_last_byte(gateway, server, tmp_path, stream):
    server.enqueue(streamed(EVENTS) if stream else json_answer(WHOLE))
    answer = post(gateway, stream=stream)
    assert answer.status_code == 200
    (sums,) = report(tmp_path)
    assert (sums.requests, sums.input, sums.output) == (1, 1000, 500)


def test_each_of_several_answers_is_paid_for(gateway, server, tmp_path):
    server.enqueue(*[json_answer(WHOLE)] * 3)
    assert len(post(gateway, n=3).json()["choices"]) == 3
    (sums,) = report(tmp_path)
    assert (sums.requests, sums.input, sums.output) == (1, 3000, 1500)


def test_a_key_has_its_own_limits(start, server, keys):
    _, secret = keys.create("slow", limits=KeyLimits(requests_per_minute=1))
    gateway = start(only=server.url)
    server.enqueue(json_answer(WHOLE))
    first = post(gateway, headers={"authorization": f"Bearer {secret}"})
    second = post(gateway, headers={"authorization": f"Bearer {secret}"})
    assert (first.status_code, second.status_code) == (200, 429)
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert int(second.headers["retry-after"]) > 0
    assert len(server.requests) == 1


def test_a_spent_budget_is_no_rate_limit(start, server, keys):
    _, secret = keys.create("poor", limits=KeyLimits(daily_budget=1))
    gateway = start(only=server.url)
    server.enqueue(json_answer(WHOLE))
    with client_of(gateway, secret) as client:
        client.chat.completions.create(model="sonnet", messages=HELLO)
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model="sonnet", messages=HELLO)
    assert caught.value.code == "insufficient_quota"
    assert caught.value.response.headers["x-should-retry"] == "false"


# What stays on its side


def test_neither_sides_secrets_cross(start, server, keys):
    _, secret = keys.create("alice")
    gateway = start(only=server.url)
    server.enqueue(json_answer(WHOLE, headers={"anthropic-organization-id": "org-of-the-operator"}))
    headers = {
        "authorization": f"Bearer {secret}",
        "cookie": "c=1",
        "anthropic-beta": "some-beta",
        "x-private": "p",
    }
    answer = post(gateway, headers=headers)
    up = server.last.headers
    assert up["authorization"].startswith("Bearer sk-ant-upstream-secret")
    assert up["anthropic-beta"] == "some-beta"
    assert not {"cookie", "x-private"} & set(up)
    assert secret not in str(up)
    told = str(answer.headers) + answer.text
    assert "sk-ant-upstream" not in told
    assert "org-of-the-operator" not in told
