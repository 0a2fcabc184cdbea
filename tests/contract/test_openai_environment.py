"""`OPENAI_*` variables are never read: what is in them must show up nowhere."""

from __future__ import annotations

import io
import logging
import os
import pickle
import re
import traceback
import types

import openai
import pytest

import claif_cla.client
import claif_cla.options
from callers import HELLO
from loopback import (
    Ending,
    error_body,
    error_event,
    json_answer,
    message,
    no_answer,
    sse,
    stream_of,
    streamed,
    text_block,
)

MARK = "CANARY"
NAMED = {
    "OPENAI_API_KEY": f"sk-{MARK}-key",
    "OPENAI_ADMIN_KEY": f"sk-{MARK}-admin",
    "OPENAI_ORG_ID": f"org-{MARK}",
    "OPENAI_PROJECT_ID": f"proj-{MARK}",
    "OPENAI_WEBHOOK_SECRET": f"whsec-{MARK}",
    "OPENAI_BASE_URL": f"http://{MARK.lower()}.test/v1",
    "OPENAI_CUSTOM_HEADERS": f"X-Custom: {MARK}\nAuthorization: Bearer {MARK}\ncookie: {MARK}",
}
STOCK = os.path.dirname(openai.__file__)  # noqa: PTH120


def read_by_openai():
    """Every `OPENAI_*` name in the code of the installed openai."""
    found = set()
    for folder, _, files in os.walk(STOCK):
        for file in files:
            if file.endswith(".py"):
                with open(os.path.join(folder, file), encoding="utf-8") as source:  # noqa: PTH118, PTH123
                    found |= set(re.findall(r"\bOPENAI_[A-Z_]+\b", source.read()))
    return found - {"OPENAI_LOG"}


@pytest.fixture(autouse=True)
def canaries(monkeypatch):
    for name in read_by_openai() | NAMED.keys():
        monkeypatch.setenv(name, NAMED.get(name, f"{MARK}-{name}"))


@pytest.fixture
def log():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    names = ["openai", "httpx", "httpx2", "httpcore", "httpcore2", "claif_cla"]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in (root, *loggers):
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    for logger, before in zip(loggers, levels, strict=True):
        logger.setLevel(before)


def everything_in(value, seen=None, depth=0):
    """The representations of a value and of all that hangs on it."""
    seen = set() if seen is None else seen
    if id(value) in seen or depth > 8 or isinstance(value, (type, types.ModuleType)):
        return
    seen.add(id(value))
    yield repr(value)
    if isinstance(value, (str, bytes, int, float, os._Environ, types.FunctionType)):
        return
    parts = [*getattr(value, "__dict__", {}).items()]
    if isinstance(value, dict):
        parts += value.items()
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts += [("", item) for item in value]
    slots = getattr(type(value), "__slots__", ())
    parts += [(name, getattr(value, name, None)) for name in slots if isinstance(name, str)]
    for name, part in parts:
        yield repr(name)
        yield from everything_in(part, seen, depth + 1)


def hidden(text):
    return MARK in text or MARK.lower() in text


def assert_clean(*values):
    for value in values:
        for text in everything_in(value):
            assert not hidden(text), text[:500]


def copies(client):
    yield client
    yield client.copy()
    yield client.with_options(timeout=3, default_headers={"x-own": "1"})
    yield client.with_options(compat="strict").copy(max_retries=1)


def test_no_variable_of_the_installed_openai_is_forgotten_here():
    assert {"OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_BASE_URL"} <= read_by_openai()


def test_nothing_of_it_is_on_a_client_or_its_copies(caller):
    for client in copies(caller.client):
        assert_clean(client)
        assert_clean(client.default_headers, client.auth_headers, client.default_query)
        assert_clean(client.webhook_secret, client.organization, client.project)
        assert getattr(client, "_ambient_authorizations", frozenset()) == frozenset()


def test_own_default_headers_survive(new_caller, server):
    server.enqueue(json_answer(message([text_block("Hi")])))
    new_caller(default_headers={"X-Custom": "mine"}).create(messages=HELLO)
    assert server.last.headers["x-custom"] == "mine"


def test_nothing_of_it_is_sent_or_logged(caller, server, log):
    server.answer_with(
        lambda request: (
            streamed(sse(stream_of([text_block("Hi")])))
            if request.json.get("stream")
            else json_answer(message([text_block("Hi")]))
        )
    )
    for client in copies(caller.client):
        completions = client.chat.completions
        answer = caller.run(completions.create(messages=HELLO))
        list(caller.iterate(caller.run(completions.create(messages=HELLO, stream=True))))
        raw = caller.run(completions.with_raw_response.create(messages=HELLO))
        assert_clean(answer, dict(raw.headers), dict(raw.http_response.request.headers))
    assert len(server.requests) == 12
    for request in server.requests:
        assert_clean(request.headers, request.target, request.body)
    assert log.getvalue()
    assert not hidden(log.getvalue())


BROKEN = {
    "status": json_answer(error_body("authentication_error", "invalid key"), 401),
    "cut": no_answer(Ending.CLOSE),
    "silence": no_answer(Ending.STALL),
    "malformed": streamed(b"{", headers={"content-type": "application/json"}),
    "error in the stream": streamed(
        sse([*stream_of([text_block("Hi")])[:4], error_event("api_error", "broken")])
    ),
}


def local_variables(error):
    """What a traceback with locals would print, of the frames between the test and the wire."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                yield from (repr(value) for value in frame.f_locals.values())
        error = error.__cause__ or error.__context__


def failing(caller, server, name, **params):
    server.enqueue(BROKEN[name])
    stream = name == "error in the stream"
    with pytest.raises(openai.APIError) as caught:
        list(caller.iterate(caller.create(messages=HELLO, stream=stream, timeout=0.2, **params)))
    return caught.value


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_of_it_is_in_an_exception(caller, server, log, name):
    error = failing(caller, server, name)
    assert_clean(error, error.__dict__, error.request.headers.multi_items())
    assert not hidden("".join(traceback.format_exception(error)))
    assert not [text for text in local_variables(error) if hidden(text)]
    assert not hidden(log.getvalue())


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_of_it_is_in_a_pickled_exception(caller, server, name):
    error = failing(caller, server, name)
    data = pickle.dumps((error.__reduce__()[1], error.__dict__))
    assert MARK.encode() not in data
    assert MARK.lower().encode() not in data


def test_nothing_of_it_is_in_the_error_without_a_key():
    for kind in (claif_cla.client.ClaudeClient, claif_cla.client.AsyncClaudeClient):
        with pytest.raises(openai.OpenAIError) as caught:
            kind()
        assert not hidden("".join(traceback.format_exception(caught.value)))


# Anthropic's key: sent, and told to nobody else.


@pytest.mark.parametrize("name", BROKEN)
def test_the_key_and_the_prompt_are_in_no_message_log_or_local_variable_of_ours(
    new_caller, server, log, name
):
    secret, prompt = "sk-ant-TESTSECRET", "PRIVATE-PROMPT"
    caller = new_caller(api_key=secret)
    server.enqueue(BROKEN[name])
    messages = [{"role": "user", "content": prompt}]
    with pytest.raises(openai.APIError) as caught:
        stream = name == "error in the stream"
        list(caller.iterate(caller.create(messages=messages, stream=stream, timeout=0.2)))
    error = caught.value
    for text in (str(error), repr(error), repr(caller.client)):
        assert secret not in text
        assert prompt not in text
    assert secret not in log.getvalue()
    ours = os.path.dirname(claif_cla.client.__file__)  # noqa: PTH120
    cause: BaseException | None = error
    while cause is not None:
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            if frame.f_code.co_filename.startswith(ours):
                for variable, value in frame.f_locals.items():
                    where = f"{variable} in {frame.f_code.co_name}"
                    assert secret not in repr(value), where
                    if variable != "params":  # the caller's own
                        assert prompt not in repr(value), where
        cause = cause.__cause__ or cause.__context__
