"""openai-agents, whose models take a client."""

from __future__ import annotations

import pytest

pytest.importorskip("agents")

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai.types.shared import Reasoning
from pydantic import BaseModel

set_tracing_disabled(disabled=True)  # traces go to OpenAI, whoever answers

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")


class City(BaseModel):
    name: str
    people: int


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return "12 °C"


@function_tool
def get_time(city: str) -> str:
    """The time in a city."""
    return "noon"


@pytest.fixture
def chat_model(model, async_client):
    return OpenAIChatCompletionsModel(model, async_client)


@pytest.fixture
def guide(chat_model):
    return Agent(
        name="guide", instructions="Be brief.", model=chat_model, tools=[get_weather, get_time]
    )


async def test_tools_are_called_in_turn(guide, api):
    done = await Runner.run(guide, "Call get_weather then get_time for Bern")
    assert done.final_output.endswith("The tool get_time returned: noon")
    assert api.results() == ["12 °C", "noon"]


async def test_thinking_that_is_shown_stays_in_place(guide, api):
    guide.model_settings = ModelSettings(reasoning=Reasoning(effort="high"))
    done = await Runner.run(guide, "Call get_weather then get_time for Bern")
    assert api.results() == ["12 °C", "noon"]
    assert "reasoning_item" in [item.type for item in done.new_items]


async def test_a_stream_with_parallel_tools(guide, api):
    run = Runner.run_streamed(guide, "Call get_weather and get_time for Bern")
    deltas, items = "", []
    async for event in run.stream_events():
        if event.type == "run_item_stream_event":
            items.append(event.name)
        elif event.type == "raw_response_event":
            deltas += getattr(event.data, "delta", "")
    assert items.count("tool_called") == items.count("tool_output") == 2
    assert run.final_output.endswith("returned: 12 °C The tool get_time returned: noon")
    assert deltas.endswith(run.final_output)


async def test_the_conversation_goes_on(guide, api):
    first = await Runner.run(guide, "Call get_weather for Bern")
    more = [*first.to_input_list(), {"role": "user", "content": "Thanks!"}]
    assert (await Runner.run(guide, more)).final_output.endswith("You said: Thanks!")


@pytest.mark.parametrize("tools", [[], [get_weather]], ids=["alone", "with tools"])
async def test_an_output_type(chat_model, tools):
    clerk = Agent(name="clerk", model=chat_model, output_type=City, tools=tools)
    done = await Runner.run(clerk, "Call get_weather for Bern")
    assert isinstance(done.final_output, City)


async def test_a_first_call_that_is_forced(guide, api):
    api.keeps_prefix = False  # forced in words on some models, for the first turn only
    guide.model_settings = ModelSettings(tool_choice="get_weather", parallel_tool_calls=False)
    done = await Runner.run(guide, "Hello")
    assert done.final_output.endswith("The tool get_weather returned: 12 °C")


async def test_a_handoff(chat_model, guide, api):
    api.keeps_prefix = False  # the second agent has instructions and tools of its own
    desk = Agent(name="desk", model=chat_model, handoffs=[guide])
    done = await Runner.run(desk, "transfer_to_guide then get_weather for Bern")
    assert done.last_agent is guide
