"""Anthropic's own API through the gateway."""

from __future__ import annotations

import json
from dataclasses import replace

import anthropic
import httpx2
import pytest

from claif_cla.gateway.keys import Scopes
from claif_cla.gateway.ledger import Report
from loopback import (
    Ending,
    Gate,
    cut_every,
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
    whole,
)

ASKED = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "Hello"}],
}
WHOLE = message([text_block("Hi")], usage=usage_of(1000, 500))
EVENTS = sse(stream_of([text_block("Hi there")], usage=usage_of(1000, 500)))


def post(gateway, path="/v1/messages", headers=None, query="", **changes):
    with httpx2.Client(timeout=30) as client:
        return client.post(
            f"{gateway.url}{path}{query}", json={**ASKED, **changes}, headers=headers or {}
        )


def report(tmp_path):
    with Report(tmp_path / "ledger.db") as found:
        return found.sums(["model"])


@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_comes_back_byte_for_byte_and_is_paid_for(gateway, server, tmp_path, stream):
    body = EVENTS if stream else json.dumps(WHOLE, indent=3).encode()
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    server.enqueue(whole(body, 200, {"content-type": kind, "request-id": "req_up"}))
    answer = post(gateway, stream=stream)
    assert answer.content == body
    assert answer.headers["content-type"] == kind
    assert answer.headers["request-id"] == "req_up"
    (sums,) = report(tmp_path)
    assert (sums.requests, sums.input, sums.output) == (1, 1000, 500)


def test_the_request_goes_up_byte_for_byte(gateway, server):
    server.enqueue(json_answer(WHOLE))
    body = json.dumps(ASKED, indent=5).encode()
    headers = {
        "content-type": "application/json",
        "anthropic-version": "2026-10-21",
        "anthropic-beta": "b",
        "x-api-key": "any",
    }
    httpx2.post(f"{gateway.url}/v1/messages?beta=true", content=body, headers=headers)
    assert server.last.body == body
    assert server.last.target == "/v1/messages?beta=true"
    assert server.last.headers["anthropic-version"] == "2026-10-21"
    assert server.last.headers["anthropic-beta"] == "b"
    assert "x-api-key" not in server.last.headers


def test_a_name_of_the_operators_own_is_translated(start, server):
    gateway = start({"models.aliases": {"mine": "claude-opus-5-5"}}, only=server.url)
    server.enqueue(json_answer(WHOLE))
    post(gateway, model="mine")
    assert json.loads(server.last.body) == {**ASKED, "model": "claude-opus-5-5"}


def test_an_error_comes_back_as_it_is(gateway, server):
    server.enqueue(json_answer(error_body("overloaded_error", "Overloaded"), status=529))
    answer = post(gateway)
    assert answer.status_code == 529
    assert answer.json()["error"]["type"] == "overloaded_error"


def test_what_the_gateway_denies_is_told_in_anthropics_shape(start, server, keys):
    _, secret = keys.create("opus only", scopes=Scopes(models=("claude-opus-*",)))
    gateway = start(only=server.url)
    with anthropic.Anthropic(base_url=gateway.url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(**ASKED)
        with pytest.raises(anthropic.PermissionDeniedError, match="claude-sonnet-5-5"):
            client.with_options(api_key=secret).messages.create(**ASKED)
    assert server.requests == []


def test_an_upstream_that_cannot_be_reached_is_told_in_anthropics_shape(start, refused_url):
    gateway = start({"upstream.max_retries": 0}, only=refused_url)
    answer = post(gateway)
    assert (answer.status_code, answer.json()["type"]) == (502, "error")


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_a_stream_that_is_cut_ends_with_an_error_event(gateway, server, ending):
    server.enqueue(streamed(EVENTS[: EVENTS.index(b"event: message_delta")], ending=ending))
    told = post(gateway, stream=True).text
    assert told.rstrip().splitlines()[-2] == "event: error"
    assert "message_stop" not in told


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (json_answer(error_body("overloaded_error", "Overloaded"), 529), "overloaded_error"),
        (whole(b"<html>", 200, {"content-type": "text/html"}), "api_error"),
        (json_answer(WHOLE), "api_error"),
        (no_answer(Ending.RESET), "api_error"),
        (streamed(EVENTS), None),
    ],
    ids=["error", "page", "no stream", "reset", "stream"],
)
def test_upstreams_silence_before_its_answer_is_filled(start, server, after, kind):
    gateway = start({"server.comment_seconds": 0.05, "upstream.max_retries": 0}, only=server.url)
    gate = Gate()
    server.enqueue(replace(after, steps=[gate, *after.steps]))
    body = {**ASKED, "stream": True}
    with (
        httpx2.Client(timeout=30) as client,
        client.stream("POST", f"{gateway.url}/v1/messages", json=body) as answer,
    ):
        pieces = answer.iter_text()
        assert next(pieces).startswith(": ")
        gate.open()
        *_, event, data = "".join(pieces).strip().splitlines()
    assert answer.status_code == 200
    assert event == f"event: {'error' if kind else 'message_stop'}"
    assert json.loads(data[6:]).get("error", {}).get("type") == kind


def test_an_error_event_passes(gateway, server, tmp_path):
    cut = EVENTS.index(b"event: content_block_stop")
    body = EVENTS[:cut] + sse([error_event("overloaded_error", "Overloaded")])
    server.enqueue(streamed(body))
    assert post(gateway, stream=True).content == body
    assert report(tmp_path)[0].cost > 0


def test_counting_costs_nothing(gateway, server, tmp_path):
    server.enqueue(json_answer({"input_tokens": 7}))
    answer = post(gateway, "/v1/messages/count_tokens")
    assert answer.json() == {"input_tokens": 7}
    assert [sums.cost for sums in report(tmp_path)] in ([], [0])


def test_who_leaves_ends_the_upstream_call(gateway, server):
    server.enqueue(streamed(EVENTS[:-100], ending=Ending.STALL))
    with anthropic.Anthropic(base_url=gateway.url, api_key="any", max_retries=0) as client:
        stream = client.messages.create(**ASKED, stream=True)
        next(iter(stream))
        stream.close()
    server.wait_until_abandoned()


HTML = b"<html><body>Bad gateway</body></html>"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "told"), [(200, 502), (302, 502), (404, 404), (503, 503)])
def test_a_page_of_a_proxy_is_told_as_an_error(gateway, server, status, told, stream):
    server.enqueue(whole(HTML, status, {"content-type": "text/html"}))
    answer = post(gateway, stream=stream)
    assert (answer.status_code, answer.json()["type"]) == (told, "error")
    assert len(answer.headers.get_list("x-claif-request-id")) == 1


def test_a_stream_that_ends_without_its_last_event_ends_with_an_error(gateway, server):
    server.enqueue(streamed(EVENTS[: EVENTS.index(b"event: message_stop")]))
    told = post(gateway, stream=True).text
    assert told.rstrip().splitlines()[-2] == "event: error"


def test_a_stream_that_is_cut_in_an_event_raises_the_sdks_own_error(gateway, server):
    cut = EVENTS.index(b"event: content_block_stop") - 30
    server.enqueue(streamed(EVENTS[:cut], ending=Ending.RESET))
    with (
        anthropic.Anthropic(base_url=gateway.url, api_key="any", max_retries=0) as client,
        pytest.raises(anthropic.APIStatusError, match="broke its answer off"),
    ):
        list(client.messages.create(**ASKED, stream=True))


def test_what_breaks_behind_the_end_is_not_told(gateway, server):
    server.enqueue(streamed(EVENTS, ending=Ending.RESET))
    assert post(gateway, stream=True).content == EVENTS


@pytest.mark.parametrize("size", [1, 7, 100])
def test_events_come_whole_however_they_are_cut(gateway, server, size):
    events = EVENTS.replace(b"\n", b"\r\n") if size == 7 else EVENTS
    server.enqueue(streamed(cut_every(events, size)))
    with httpx2.Client(timeout=30) as client:
        body = {**ASKED, "stream": True}
        with client.stream("POST", f"{gateway.url}/v1/messages", json=body) as answer:
            pieces = list(answer.iter_raw())
    assert b"".join(pieces) == events
    assert all(piece.endswith((b"\n\n", b"\r\n\r\n")) for piece in pieces)
