"""The real anthropic SDK as a client of the server."""

from __future__ import annotations

import anthropic
import pydantic
import pytest

MODEL = "claude-sonnet-5-5"
HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "name": "get_weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@pytest.fixture
def client(simulator):
    with anthropic.Anthropic(
        base_url=simulator.url, api_key="any", max_retries=0, timeout=20
    ) as client:
        yield client


def create(client, **fields):
    return client.messages.create(
        **{"model": MODEL, "max_tokens": 1000, "messages": HELLO, **fields}
    )


def test_create(client):
    message = create(client)
    assert message.content[-1].text.startswith("This is the claif_cla simulator, not a model.")
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    assert message._request_id.startswith("req_01")


@pytest.mark.parametrize("said", ["Hello", "weather", "write 200 words", "[[simulator:empty]]"])
def test_a_stream_gives_the_same_message(client, said):
    fields = {
        "model": MODEL,
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": said}],
        "tools": [WEATHER],
        "thinking": {"type": "adaptive", "display": "summarized"},
    }
    with client.messages.stream(**fields) as stream:
        streamed = stream.get_final_message()
    whole = client.messages.create(**fields)

    def plain(message):
        # `parsed_output` is the SDK's own addition to streamed text.
        return message.model_dump(exclude={"content": {"__all__": {"parsed_output"}}})

    assert plain(streamed) == plain(whole)


def test_bearer_tokens_are_taken(simulator):
    with anthropic.Anthropic(base_url=simulator.url, auth_token="any", max_retries=0) as client:
        assert create(client).type == "message"


async def test_the_async_client(simulator):
    async with anthropic.AsyncAnthropic(
        base_url=simulator.url, api_key="any", max_retries=0
    ) as client:
        fields = {"model": MODEL, "max_tokens": 100, "messages": HELLO}
        message = await client.messages.create(**fields)
        async with client.messages.stream(**fields) as stream:
            text = "".join([piece async for piece in stream.text_stream])
    assert text == message.content[-1].text


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-opus-4-6", "claude-haiku-4-5"])
def test_a_tool_loop_with_its_thinking(client, model):
    thinking = {"type": "adaptive"}
    if model == "claude-haiku-4-5":
        thinking = {"type": "enabled", "budget_tokens": 1024}
    fields = {"model": model, "max_tokens": 2000, "tools": [WEATHER], "thinking": thinking}
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = create(client, messages=messages, **fields)
    assert first.content[0].type == "thinking"
    assert first.stop_reason == "tool_use"
    call = first.content[-1]
    assert call.input == {"city": "city"}
    messages += [
        first.to_param(),
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "21 degrees"}],
        },
    ]
    second = create(client, messages=messages, **fields)
    assert second.stop_reason == "end_turn"
    assert "21 degrees" in second.content[-1].text


def test_structured_output(client):
    class Person(pydantic.BaseModel):
        name: str
        age: int
        tags: list[str]

    parsed = client.messages.parse(
        model=MODEL, max_tokens=500, messages=HELLO, output_format=Person
    )
    assert isinstance(parsed.parsed_output, Person)


def test_count_tokens(client):
    counted = client.messages.count_tokens(model=MODEL, messages=HELLO)
    assert counted.input_tokens == create(client).usage.input_tokens


def test_models(client):
    listed = list(client.models.list(limit=4))
    assert len(listed) > 10
    assert MODEL in [model.id for model in listed]
    assert client.models.retrieve(MODEL).capabilities.thinking.types.between_tools.supported


def test_the_beta_client(client):
    message = client.beta.messages.create(
        model=MODEL,
        max_tokens=100,
        messages=HELLO,
        betas=["thinking-binding-controls-2026-08-01"],
    )
    assert message.input_transformations == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("400", anthropic.BadRequestError),
        ("401", anthropic.AuthenticationError),
        ("402", anthropic.APIStatusError),
        ("403", anthropic.PermissionDeniedError),
        ("404", anthropic.NotFoundError),
        ("413", anthropic.APIStatusError),
        ("429;retry-after=1", anthropic.RateLimitError),
        ("500", anthropic.InternalServerError),
        ("529", anthropic.InternalServerError),
        ("502;body=html", anthropic.InternalServerError),
        ("500;body=empty", anthropic.InternalServerError),
        ("cut", anthropic.APIConnectionError),
        ("cut@0", anthropic.APIConnectionError),
        ("stall", anthropic.APITimeoutError),
        ("stall@0", anthropic.APITimeoutError),
        ("not a fault", anthropic.BadRequestError),
    ],
)
def test_faults_raise_what_the_sdk_raises_for_them(client, fault, error):
    timeout = 0.2 if fault.startswith("stall") else 20
    with pytest.raises(error) as raised:
        create(client, extra_headers={"x-simulator-fault": fault}, timeout=timeout)
    if isinstance(raised.value, anthropic.APIStatusError) and fault[:3].isdigit():
        assert raised.value.status_code == int(fault[:3])


def test_a_stream_error_is_an_error_of_the_sdk(client):
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        list(create(client, stream=True, extra_headers={"x-simulator-fault": "stream-error@3"}))


@pytest.mark.parametrize("fault", ["cut@3", "cut@5;half", "stall@4"])
def test_a_broken_stream_never_ends_well(client, fault):
    events = []
    with pytest.raises(Exception, match=r".") as raised:
        events.extend(
            create(client, stream=True, timeout=0.2, extra_headers={"x-simulator-fault": fault})
        )
    assert type(raised.value).__module__.partition(".")[0] in ("httpx", "httpx2", "anthropic")
    assert "message_stop" not in [event.type for event in events]


def test_retries_of_the_sdk_use_up_the_times(simulator):
    with anthropic.Anthropic(base_url=simulator.url, api_key="any", max_retries=2) as client:
        header = {"x-simulator-fault": "529;times=2;retry-after=0.01;message=used up by retries"}
        assert create(client, extra_headers=header).type == "message"
        assert create(client, extra_headers=header).type == "message"


def test_errors_name_the_rule(client):
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs"):
        create(client, extra_body={"temperature": 0.5})
    with pytest.raises(anthropic.NotFoundError, match="model: gpt-4o"):
        create(client, model="gpt-4o")


def test_caching_shows_in_usage(client):
    system = [
        {
            "type": "text",
            "text": "This text is used by the caching test only. " * 100,
            "cache_control": {"type": "ephemeral"},
        }
    ]
    first, second = create(client, system=system).usage, create(client, system=system).usage
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens > 1000
