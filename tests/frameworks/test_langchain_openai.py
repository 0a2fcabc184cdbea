"""langchain-openai, whose chat model takes the completions of a client, sync and async."""

from __future__ import annotations

import pytest

pytest.importorskip("langchain_openai")

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")

ASK = "Call get_weather and get_time for Bern"


class City(BaseModel):
    """A city."""

    name: str
    people: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return "12 °C"


@tool
def get_time(city: str) -> str:
    """The time in a city."""
    return "noon"


TOOLS = {"get_weather": get_weather, "get_time": get_time}


@pytest.fixture
def chat_model(model, client, async_client):
    return ChatOpenAI(
        model=model,
        root_client=client,
        client=client.chat.completions,
        root_async_client=async_client,
        async_client=async_client.chat.completions,
    )


def summed(chunks):
    first, *others = chunks
    return sum(others, first)


def with_results(messages, answer):
    results = [TOOLS[call["name"]].invoke(call) for call in answer.tool_calls]
    return [*messages, answer, *results]


def test_a_tool_loop(chat_model):
    bound = chat_model.bind_tools([*TOOLS.values()])
    messages = with_results([HumanMessage(ASK)], bound.invoke(ASK))
    done = bound.invoke(messages)
    assert done.content.endswith("returned: 12 °C The tool get_time returned: noon")
    assert done.usage_metadata["output_tokens"] > 0


async def test_a_tool_loop_of_the_async_client(chat_model):
    bound = chat_model.bind_tools([*TOOLS.values()])
    messages = with_results([HumanMessage(ASK)], await bound.ainvoke(ASK))
    done = await bound.ainvoke(messages)
    assert done.content.endswith("returned: 12 °C The tool get_time returned: noon")


def test_a_tool_loop_of_streams(chat_model):
    bound = chat_model.bind_tools([*TOOLS.values()])
    messages = with_results([HumanMessage(ASK)], summed(bound.stream(ASK)))
    done = summed(bound.stream(messages, stream_usage=True))
    assert done.content.endswith("returned: 12 °C The tool get_time returned: noon")
    assert done.usage_metadata["output_tokens"] > 0


async def test_an_async_stream(chat_model):
    done = summed([chunk async for chunk in chat_model.astream("Hello")])
    assert done.content.endswith("You said: Hello")


@pytest.mark.parametrize("effort", ["low", "high"])
def test_thinking_that_is_shown_stays_in_place(chat_model, effort):
    bound = chat_model.bind_tools([*TOOLS.values()], reasoning_effort=effort)
    messages = with_results([HumanMessage(ASK)], bound.invoke(ASK))
    assert "noon" in bound.invoke(messages).content


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
async def test_structured_output(chat_model, method):
    structured = chat_model.with_structured_output(City, method=method)
    ask = "Tell of Bern."
    if method == "json_mode":  # which leaves the schema to the prompt
        ask += f" Answer in JSON of this schema: {City.model_json_schema()}".replace("'", '"')
    assert isinstance(structured.invoke(ask), City)
    assert isinstance(await structured.ainvoke(ask), City)


# langchain dumps openai's parsed completion, with the stock client too.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_as_a_stream(chat_model, method):
    *_, city = chat_model.with_structured_output(City, method=method).stream("Tell of Bern.")
    assert isinstance(city, City)
