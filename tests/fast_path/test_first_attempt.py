from __future__ import annotations

import logging

import openai
import pytest

from callers import HELLO
from claif_cla import client as client_module
from loopback import Ending, error_body, json_answer, message, no_answer, text_block

ANSWER = json_answer(message([text_block("Hi")]), headers={"request-id": "req_1"})


@pytest.fixture(name="loops")
def _loops(monkeypatch):
    """How often openai's loop made a request."""
    made = []
    real = client_module.built_request

    def counted(*arguments):
        made.append(1)
        return real(*arguments)

    monkeypatch.setattr(client_module, "built_request", counted)
    return made


def test_a_whole_answer_needs_no_loop(caller, server, loops):
    server.enqueue(ANSWER)
    made = caller.create(messages=HELLO)
    assert (made.choices[0].message.content, made._request_id) == ("Hi", "req_1")
    assert (len(server.requests), loops) == (1, [])


def test_its_result_is_the_loops(new_caller, server):
    results = []
    for more in ({}, {"default_headers": {"x-any": "1"}}):
        server.enqueue(ANSWER)
        results.append(new_caller(**more).create(messages=HELLO))
    first, looped = results
    assert first.created - looped.created <= 1
    first.created = looped.created
    assert first == looped
    assert first.to_json() == looped.to_json()
    assert first.model_fields_set == looped.model_fields_set
    assert first._request_id == looped._request_id


OWN_WAYS = {
    "headers of the client": ({"default_headers": {"x-any": "1"}}, {}),
    "query of the client": ({"default_query": {"a": "1"}}, {}),
    "headers of the call": ({}, {"extra_headers": {"x-any": "1"}}),
    "query of the call": ({}, {"extra_query": {"a": "1"}}),
    "strict validation": ({"_strict_response_validation": True}, {}),
}


@pytest.mark.parametrize(("options", "params"), OWN_WAYS.values(), ids=OWN_WAYS)
def test_whatever_the_loop_looks_after_runs_in_it(new_caller, server, loops, options, params):
    server.enqueue(ANSWER)
    made = new_caller(**options).create(messages=HELLO, **params)
    assert (made.choices[0].message.content, loops) == ("Hi", [1])


def test_a_key_that_is_asked_for_is_asked_in_the_loop(caller, new_caller, server, loops):
    server.enqueue(ANSWER)
    other = new_caller(api_key=caller.key_source(lambda: "sk-ant-other"))
    other.create(messages=HELLO)
    assert server.last.headers["authorization"] == "Bearer sk-ant-other"
    assert loops == [1]


def test_the_loop_runs_where_its_log_is_read(caller, server, loops, caplog):
    server.enqueue(ANSWER)
    with caplog.at_level(logging.DEBUG, logger="openai._base_client"):
        caller.create(messages=HELLO)
    assert loops == [1]
    assert "HTTP Response" in caplog.text


def test_a_refused_first_attempt_is_not_sent_again(caller, server, loops):
    server.enqueue(json_answer(error_body("invalid_request_error", "no"), status=400))
    with pytest.raises(openai.BadRequestError, match="no") as caught:
        caller.create(messages=HELLO)
    assert (len(server.requests), loops) == (1, [1])
    assert caught.value.request.url.path == "/v1/chat/completions"


def test_a_failed_first_attempt_counts_among_the_retries(new_caller, server):
    busy = json_answer(
        error_body("overloaded_error", "busy"), status=529, headers={"retry-after-ms": "1"}
    )
    server.enqueue(busy, busy, ANSWER)
    made = new_caller(max_retries=2).create(messages=HELLO)
    assert (made.choices[0].message.content, len(server.requests)) == ("Hi", 3)


def test_no_answer_at_all_is_the_sdks_exception(new_caller, server):
    server.enqueue(no_answer(Ending.RESET))
    with pytest.raises(openai.APIConnectionError) as caught:
        new_caller(max_retries=0).create(messages=HELLO)
    assert len(server.requests) == 1
    assert caught.value.request.method == "POST"
    assert caught.value.__cause__ is not None
