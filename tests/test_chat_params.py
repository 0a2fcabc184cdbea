from __future__ import annotations

import inspect

import pytest
from openai.resources.chat.completions import AsyncCompletions, Completions
from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from claif_cla.chat_params import ChatParams

NAMES = set(ChatParams.__annotations__)
SPELT_OUT = {"self", "messages", "stream", "response_format"}
"""The methods name these themselves."""


@pytest.mark.parametrize("resource", [Completions, AsyncCompletions])
@pytest.mark.parametrize("method", ["create", "parse", "stream"])
def test_every_argument_of_the_installed_openai_is_there(resource, method):
    assert set(inspect.signature(getattr(resource, method)).parameters) - SPELT_OUT <= NAMES


def test_every_parameter_of_the_body_is_there():
    assert set(CompletionCreateParamsBase.__annotations__) - SPELT_OUT <= NAMES


def test_nothing_is_required():
    assert ChatParams.__required_keys__ == frozenset()
