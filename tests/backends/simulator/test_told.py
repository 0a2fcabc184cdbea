"""The simulator does what a client asks for in words, where there is no field for it."""

from __future__ import annotations

import json

import pytest

from claif_cla import ClaudeClient

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")

UNFORCIBLE = "claude-sonnet-5-5"
HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("first", "second")
]
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
JSON_MODE = {"response_format": {"type": "json_object"}}


@pytest.fixture
def message():
    """The message that answers a request."""
    with ClaudeClient(backend="simulator", default_model=UNFORCIBLE) as client:
        yield lambda **request: client.chat.completions.create(**request).choices[0].message


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("required", "first"),
        ({"type": "function", "function": {"name": "second"}}, "second"),
    ],
)
def test_a_model_that_cannot_be_forced_calls_when_it_is_told_to(message, choice, name):
    answer = message(messages=HELLO, tools=TOOLS, tool_choice=choice)
    assert [call.function.name for call in answer.tool_calls] == [name]


def test_nobody_tells_it_otherwise(message):
    assert message(messages=HELLO, tools=TOOLS).tool_calls is None


def test_json_is_an_object_with_the_answer(message):
    answer = json.loads(message(messages=HELLO, **JSON_MODE).content)
    assert answer == {"answer": "This is the claif_cla simulator, not a model. You said: Hello"}


@pytest.mark.parametrize("before", ["", "Not {this} and not {}: ", '{"a": 1} ', "{" * 200])
@pytest.mark.parametrize("role", ["system", "user"])
def test_json_has_the_form_that_the_prompt_shows(message, role, before):
    messages = [{"role": role, "content": f"{before}{json.dumps(SCHEMA)}"}, *HELLO]
    answer = message(messages=messages, **JSON_MODE)
    found = "age" if len(before) < 100 else "answer"  # it does not look forever
    assert list(json.loads(answer.content)) == [found]
