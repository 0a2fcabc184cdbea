"""pydantic-ai, whose OpenAI provider takes a client."""

from __future__ import annotations

import pytest

pytest.importorskip("pydantic_ai")

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.messages import (
    FunctionToolResultEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
)
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")


class City(BaseModel):
    name: str
    people: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    return "12 °C"


def get_time(city: str) -> str:
    """The time in a city."""
    return "noon"


@pytest.fixture
def chat_model(model, async_client):
    return OpenAIChatModel(model, provider=OpenAIProvider(openai_client=async_client))


@pytest.fixture
def guide(chat_model):
    return Agent(chat_model, instructions="Be brief.", tools=[get_weather, get_time])


async def test_tools_are_called_in_turn(guide, api):
    done = await guide.run("Call get_weather then get_time for Bern")
    assert done.output.endswith("The tool get_time returned: noon")
    assert api.results() == ["12 °C", "noon"]


async def test_thinking_that_is_shown_stays_in_place(guide, api):
    effort = {"openai_reasoning_effort": "high"}
    done = await guide.run("Call get_weather then get_time for Bern", model_settings=effort)
    assert api.results() == ["12 °C", "noon"]
    parts = [part for message in done.all_messages() for part in message.parts]
    assert any(isinstance(part, ThinkingPart) and part.content for part in parts)


async def test_a_stream_with_parallel_tools(guide):
    said, results = "", []
    async with guide.run_stream_events("Call get_weather and get_time for Bern") as events:
        async for event in events:
            if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                said += event.part.content
            elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                said += event.delta.content_delta
            elif isinstance(event, FunctionToolResultEvent):
                results.append(event.part.content)
    assert sorted(results) == ["12 °C", "noon"]
    assert said.endswith("returned: 12 °C The tool get_time returned: noon")


async def test_the_conversation_goes_on(guide):
    first = await guide.run("Call get_weather for Bern")
    second = await guide.run("Thanks!", message_history=first.all_messages())
    assert second.output.endswith("You said: Thanks!")


@pytest.mark.parametrize("form", [ToolOutput, NativeOutput, PromptedOutput])
@pytest.mark.parametrize("tools", [[], [get_weather]], ids=["alone", "with tools"])
async def test_an_output_type(chat_model, form, tools):
    clerk = Agent(chat_model, output_type=form(City), tools=tools)
    done = await clerk.run("Call get_weather then final_result for Bern")
    assert isinstance(done.output, City)


@pytest.mark.parametrize("form", [ToolOutput, NativeOutput])
async def test_an_output_type_as_a_stream(chat_model, form):
    async with Agent(chat_model, output_type=form(City)).run_stream("Bern") as run:
        seen = [city async for city in run.stream_output(debounce_by=None)]
    assert isinstance(seen[-1], City)
