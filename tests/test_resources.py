from __future__ import annotations

import inspect

import openai
import pytest
from openai.resources.chat import AsyncChat, Chat
from openai.resources.chat.completions import AsyncCompletions, Completions

from callers import HELLO
from claif_cla import AsyncClaudeClient, ClaudeClient
from claif_cla.resources import (
    AsyncClaudeChat,
    AsyncClaudeCompletions,
    ClaudeChat,
    ClaudeCompletions,
)

KINDS = [
    (ClaudeClient, ClaudeChat, Chat, ClaudeCompletions, Completions),
    (AsyncClaudeClient, AsyncClaudeChat, AsyncChat, AsyncClaudeCompletions, AsyncCompletions),
]


@pytest.mark.parametrize(("client", "chat", "stock_chat", "completions", "stock"), KINDS)
def test_resources_are_stock_resources(client, chat, stock_chat, completions, stock):
    made = client(api_key="k")
    assert isinstance(made.chat, chat)
    assert isinstance(made.chat, stock_chat)
    assert isinstance(made.chat.completions, completions)
    assert isinstance(made.chat.completions, stock)
    assert made.chat is made.chat
    assert made.chat.completions is made.chat.completions


@pytest.mark.parametrize("stock", [Completions, AsyncCompletions])
@pytest.mark.parametrize("method", ["create", "parse", "stream"])
def test_only_the_methods_that_take_a_model_are_ours(stock, method):
    assert "model" in inspect.signature(getattr(stock, method)).parameters


def methods_that_make_a_completion(stock):
    for name, method in inspect.getmembers(stock, inspect.isfunction):
        if not name.startswith("_") and "model" in inspect.signature(method).parameters:
            yield name


@pytest.mark.parametrize(("client", "chat", "stock_chat", "completions", "stock"), KINDS)
def test_no_method_with_a_model_was_forgotten(client, chat, stock_chat, completions, stock):
    found = set(methods_that_make_a_completion(stock)) - {"list"}  # where it is a filter
    assert found == {"create", "parse", "stream"}
    assert found <= vars(completions).keys()


def test_missing_messages_are_the_stock_clients_complaint():
    with pytest.raises(TypeError, match="messages"):
        ClaudeClient(api_key="k").chat.completions.create()


def test_wrong_names_are_the_stock_clients_complaint():
    with pytest.raises(TypeError, match="temperatur"):
        ClaudeClient(api_key="k").chat.completions.create(messages=HELLO, temperatur=1)


def test_the_callers_objects_are_left_alone():
    params = {"messages": [{"role": "user", "content": "Hello!"}], "temperature": openai.NOT_GIVEN}
    client = ClaudeClient(backend="simulator")
    client.chat.completions.create(**params)
    assert params == {"messages": HELLO, "temperature": openai.NOT_GIVEN}
