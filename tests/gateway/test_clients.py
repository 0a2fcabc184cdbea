"""The stock clients of both companies, through the gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import anthropic
import openai
import pydantic
import pytest

HELLO = [{"role": "user", "content": "Hello"}]
NODE_MODULES = os.environ.get("NODE_MODULES_FOR_TESTS", "")


class Answer(pydantic.BaseModel):
    number: int


@pytest.fixture
def client(simulated):
    with openai.OpenAI(base_url=f"{simulated.url}/v1", api_key="any", max_retries=0) as made:
        yield made


def test_openai_whole_and_streamed(client):
    whole = client.chat.completions.create(model="sonnet", messages=HELLO)
    stream = client.chat.completions.create(
        model="sonnet", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert told == whole.choices[0].message.content
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert whole._request_id.startswith("req_")


def test_openai_parses_structured_output(client):
    parsed = client.chat.completions.parse(model="sonnet", messages=HELLO, response_format=Answer)
    assert isinstance(parsed.choices[0].message.parsed, Answer)


def test_openai_calls_tools(client):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    called = client.chat.completions.create(
        model="sonnet", messages=HELLO, tools=[tool], tool_choice="required"
    )
    message = called.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "done"}
    answer = client.chat.completions.create(
        model="sonnet", messages=[*HELLO, message, result], tools=[tool]
    )
    assert answer.choices[0].finish_reason == "stop"


def test_openai_lists_models(client):
    ids = [model.id for model in client.models.list()]
    assert client.models.retrieve("sonnet").id in ids


def test_openai_raises_its_own_exceptions(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="sonnet", messages=HELLO, logprobs=True)
    assert caught.value.param == "logprobs"
    with pytest.raises(openai.NotFoundError, match="/v1/embeddings"):
        client.embeddings.create(model="x", input="y")


async def test_openai_async(simulated):
    async with openai.AsyncOpenAI(base_url=f"{simulated.url}/v1", api_key="any") as client:
        stream = await client.chat.completions.create(model="sonnet", messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_anthropic_whole_streamed_and_counted(simulated):
    with anthropic.Anthropic(base_url=simulated.url, api_key="any", max_retries=0) as client:
        asked = {"model": "sonnet", "messages": HELLO}
        whole = client.messages.create(**asked, max_tokens=100)
        with client.messages.stream(**asked, max_tokens=100) as stream:
            told = stream.get_final_text()
        assert told == whole.content[-1].text
        assert client.messages.count_tokens(**asked).input_tokens == whole.usage.input_tokens
        with pytest.raises(anthropic.BadRequestError):
            client.messages.create(**asked, max_tokens=-1)


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
@pytest.mark.skipif(not NODE_MODULES, reason="NODE_MODULES_FOR_TESTS names no folder with `openai`")
def test_node(start, keys):
    _, secret = keys.create("node")
    gateway = start({"upstream.backend": "simulator"})
    script = Path(__file__).with_name("node_clients.mjs")
    done = subprocess.run(
        ["node", str(script), NODE_MODULES, gateway.url, secret],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    text = told["whole"]["text"]
    assert "simulator" in text
    assert told["stream"]["text"] == text
    assert told["stream"]["finish"] == "stop"
    assert told["stream"]["usage"]["total_tokens"] == told["whole"]["usage"]["total_tokens"]
    assert told["tool"] == {"name": "weather", "city": "string"}
    assert told["after"] == {"finish": "stop"}
    assert told["streamedTool"] == {"name": "weather"}
    assert told["structured"] == {"number": "number"}
    assert told["model"] in told["models"]
    assert told["refused"]["kind"] == "BadRequestError"
    assert told["nowhere"] == {
        "kind": "NotFoundError",
        "status": 404,
        "code": "unsupported_endpoint",
    }
    assert told["stranger"]["status"] == 401
    assert told["anthropic"]["text"] == told["anthropicStream"]["text"]
    assert told["count"] > 0
    assert told["left"]
