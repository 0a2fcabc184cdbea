from __future__ import annotations

import openai
import pytest

from claif_cla import ClaudeClient
from claif_cla.cli.access import failure
from loopback import Ending, json_answer, no_answer


@pytest.fixture
def said(server):
    """What a failing call of a client at the loopback server is told as."""

    def ask(script, **options):
        server.enqueue(script)
        base = {"api_key": "k", "base_url": server.url, "max_retries": 0}
        with ClaudeClient(**{**base, **options}) as client:
            with pytest.raises(openai.APIError) as caught:
                client.chat.completions.create(messages=[{"role": "user", "content": "Hi"}])
            return str(failure(caught.value, client))

    return ask


def test_server_that_does_not_answer_in_time_is_named(said, server):
    assert said(no_answer(Ending.STALL), timeout=0.2) == f"{server.url} did not answer in time"


def test_server_that_hangs_up_is_named_with_the_reason(said, server):
    text = said(no_answer(Ending.CLOSE))
    prefix = f"cannot reach {server.url}: "
    assert text.startswith(prefix)
    assert len(text) > len(prefix)


def test_error_without_json_is_told_with_its_status(said):
    assert said(json_answer("teapot", 418)).startswith("error 418")


def test_parameter_is_told_where_the_message_does_not_name_it():
    body = {"message": "too large", "param": "messages", "code": "request_too_large"}
    error = openai.APIError("", None, body=body)
    with ClaudeClient(backend="simulator") as client:
        text = str(failure(error, client, "req_1"))
    assert text == "error request_too_large: too large (parameter `messages`) (request req_1)"
