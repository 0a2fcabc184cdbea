"""smolagents, whose models take a client. It tells tool calls and their results as text."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("smolagents")

from smolagents import CodeAgent, OpenAIModel, ToolCallingAgent, tool
from smolagents.models import agglomerate_stream_deltas

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")

HELLO = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


@tool
def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Its name.
    """
    return "12 °C: that is the final answer."


@pytest.fixture
def chat_model(model, client):
    return OpenAIModel(model, client=client)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_tool_loop(chat_model, stream, api):
    agent = ToolCallingAgent(
        [get_weather], chat_model, max_steps=3, verbosity_level=-1, stream_outputs=stream
    )
    assert agent.run("Call get_weather for Bern") == "answer"  # what the simulator fills in
    assert len(api.requests) == 2
    assert "12 °C" in str(api.requests[-1]["messages"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_code(chat_model, stream):
    agent = CodeAgent([], chat_model, max_steps=1, verbosity_level=-1, stream_outputs=stream)
    # The simulator says after us what the agent then runs.
    assert agent.run("Run <code>final_answer(6 * 7)</code>") == 42


def test_a_stream(chat_model):
    whole = agglomerate_stream_deltas([*chat_model.generate_stream(HELLO)])
    assert whole.content.endswith("You said: Hello")
    assert whole.token_usage.output_tokens > 0


def test_structured_output(chat_model):
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
    answer = chat_model.generate(HELLO, response_format=form)
    assert json.loads(answer.content) == {"age": 1}
