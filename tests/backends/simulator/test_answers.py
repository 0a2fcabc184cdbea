"""What the simulator answers, and where limits cut it."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.backends.simulator.engine import Engine

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
        "required": ["city"],
    },
}
TIME = {"name": "get_time", "input_schema": {"type": "object"}}
TOOLS = [WEATHER, TIME]
FORCIBLE = "claude-opus-5"


def calls(answer):
    return [block for block in answer.json["content"] if block["type"] == "tool_use"]


def names(answer):
    return [block["name"] for block in calls(answer)]


def results(answer, *texts):
    blocks = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": text}
        for block, text in zip(calls(answer), texts, strict=True)
    ]
    return {"role": "user", "content": blocks}


def continued(ask, first, said, *texts, **fields):
    messages = [
        {"role": "user", "content": said},
        {"role": "assistant", "content": first.json["content"]},
        results(first, *texts),
    ]
    return ask(messages=messages, **fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the weather in Paris?", ["get_weather"]),
        ("call get_weather and get_time", ["get_weather", "get_time"]),
        ("get_time and get weather please", ["get_time", "get_weather"]),
        ("Tell me a joke", []),
        ("forget_weather", []),
        ("sometimes", []),
    ],
)
def test_auto_calls_the_tools_that_the_text_names(ask, text, expected):
    answer = ask(text, tools=TOOLS)
    assert names(answer) == expected
    assert answer.json["stop_reason"] == ("tool_use" if expected else "end_turn")


def test_tool_input_is_valid_for_the_schema(ask):
    (block,) = calls(ask("weather", tools=TOOLS))
    jsonschema.validate(block["input"], WEATHER["input_schema"])
    assert block["id"].startswith("toolu_01")
    assert block["caller"] == {"type": "direct"}


def test_none_calls_nothing(ask):
    answer = ask("call get_weather", tools=TOOLS, tool_choice={"type": "none"})
    assert names(answer) == []


def test_any_calls_a_tool_without_words_before_it(ask):
    answer = ask("Hello", model=FORCIBLE, tools=TOOLS, tool_choice={"type": "any"})
    assert names(answer) == ["get_weather"]
    assert answer.text == ""


def test_tool_calls_the_named_one(ask):
    choice = {"type": "tool", "name": "get_time"}
    answer = ask("weather", model=FORCIBLE, tools=TOOLS, tool_choice=choice)
    assert names(answer) == ["get_time"]


def test_without_parallel_use_calls_come_one_by_one(ask):
    fields = {"tools": TOOLS, "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    said = "call get_weather and get_time"
    first = ask(said, **fields)
    assert names(first) == ["get_weather"]
    assert names(continued(ask, first, said, "sunny", **fields)) == ["get_time"]


def test_then_makes_steps(ask):
    said = "call get_time, then get_weather"
    first = ask(said, tools=TOOLS)
    assert names(first) == ["get_time"]
    assert names(continued(ask, first, said, "noon", tools=TOOLS)) == ["get_weather"]


def test_after_results_the_answer_quotes_them(ask):
    said = "call get_weather and get_time"
    answer = continued(ask, ask(said, tools=TOOLS), said, "sunny", "noon", tools=TOOLS)
    assert answer.json["stop_reason"] == "end_turn"
    assert "The tool get_weather returned: sunny" in answer.text
    assert "The tool get_time returned: noon" in answer.text


def test_tools_that_anthropic_defines_get_their_input(ask):
    tool = {"type": "bash_20250124", "name": "bash"}
    (block,) = calls(ask("use bash", tools=[tool]))
    assert block["input"]["command"].startswith("echo")


def test_structured_output_is_valid_json(ask):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    answer = ask(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert answer.text == '{"name":"name","age":1}'


def test_stop_sequences_end_the_text_before_them(ask):
    answer = ask("one STOP two HALT", stop_sequences=["HALT", "STOP", "never"])
    assert answer.text.endswith("You said: one ")
    assert answer.json["stop_reason"] == "stop_sequence"
    assert answer.json["stop_sequence"] == "STOP"


@given(limit=st.integers(1, 60))
def test_max_tokens_is_never_exceeded_and_always_said(limit):
    engine = Engine()
    from json import dumps, loads  # noqa: PLC0415

    def answered(size):
        payload = {
            "model": "claude-opus-5",
            "max_tokens": size,
            "thinking": {"type": "adaptive", "display": "summarized"},
            "messages": [{"role": "user", "content": "some words to say again, ünïcödé too"}],
        }
        sent = {"anthropic-version": "2026-10-21"}
        return loads(engine.handle("POST", "/v1/messages", sent, dumps(payload).encode()).body())

    whole, cut = answered(1000), answered(limit)
    needed = whole["usage"]["output_tokens"]
    assert cut["usage"]["output_tokens"] == min(limit, needed)
    assert cut["stop_reason"] == ("end_turn" if limit >= needed else "max_tokens")
    for short, full in zip(cut["content"], whole["content"], strict=False):
        assert short["type"] == full["type"]
        key = short["type"]
        assert full[key].startswith(short[key])


def test_max_tokens_within_a_tool_call_leaves_its_input_empty(ask):
    whole = ask("weather", model=FORCIBLE, tools=TOOLS, thinking={"type": "disabled"})
    limit = whole.json["usage"]["output_tokens"] - 1
    cut = ask(
        "weather", model=FORCIBLE, tools=TOOLS, thinking={"type": "disabled"}, max_tokens=limit
    )
    assert cut.json["stop_reason"] == "max_tokens"
    assert cut.json["usage"]["output_tokens"] == limit
    assert calls(cut)[0]["input"] == {}


def test_max_tokens_zero_only_fills_the_cache(ask):
    answer = ask(max_tokens=0)
    assert answer.json["content"] == []
    assert answer.json["stop_reason"] == "max_tokens"
    assert answer.json["usage"]["output_tokens"] == 0


def test_the_window_ends_an_answer_too(ask):
    answer = ask("write 20000 words " + "x" * 3_990_000, max_tokens=100_000)
    assert answer.json["stop_reason"] == "model_context_window_exceeded"


@pytest.mark.parametrize("count", [1, 9, 1000])
def test_write_n_words_writes_so_many(ask, count):
    answer = ask(f"Please write {count} words", max_tokens=20_000)
    assert len(answer.text.split()) == count


def test_attachments_are_acknowledged(ask):
    source = {"type": "url", "url": "https://example.com/a.png"}
    content = [{"type": "image", "source": source}] * 2 + [{"type": "text", "text": "See"}]
    answer = ask(messages=[{"role": "user", "content": content}])
    assert answer.text.endswith("You attached: 2 images.")


def test_a_model_answers_with_its_full_id(ask):
    assert ask(model="claude-haiku-4-5").json["model"] == "claude-haiku-4-5-20251001"


@pytest.mark.parametrize(
    ("trigger", "category", "blocks"),
    [
        ("[[simulator:refusal]]", None, 0),
        ("[[simulator:refusal=cyber]]", "cyber", 0),
        ("[[simulator:late-refusal=bio]]", "bio", 1),
        ("[[simulator:refusal=unheard]]", None, 0),
        ("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAE", None, 0),
    ],
)
def test_refusals_on_demand(ask, trigger, category, blocks):
    answer = ask(f"now {trigger}").json
    assert answer["stop_reason"] == "refusal"
    assert answer["stop_details"]["type"] == "refusal"
    assert answer["stop_details"]["category"] == category
    assert len(answer["content"]) == blocks


def test_an_empty_answer_on_demand(ask):
    answer = ask("[[simulator:empty]]").json
    assert (answer["content"], answer["stop_reason"]) == ([], "end_turn")
    assert answer["usage"]["output_tokens"] == 1


def test_a_paused_turn_is_resumed_by_sending_it_back(ask):
    messages = [{"role": "user", "content": "[[simulator:pause=2]]"}]
    reasons = []
    for _ in range(3):
        answer = ask(messages=messages).json
        reasons.append(answer["stop_reason"])
        messages = [*messages, {"role": "assistant", "content": answer["content"]}]
    assert reasons == ["pause_turn", "pause_turn", "end_turn"]
    assert answer["content"][-1]["text"].endswith("It paused 2 times and is done.")
    assert answer["usage"]["server_tool_use"]["web_search_requests"] == 1


def test_web_search_brings_results_and_citations(ask):
    tool = {"type": "web_search_20250305", "name": "web_search"}
    answer = ask("Search for cats", tools=[tool], model="claude-haiku-4-5").json
    kinds = [block["type"] for block in answer["content"]]
    assert kinds == ["text", "server_tool_use", "web_search_tool_result", "text", "text"]
    assert answer["content"][-1]["citations"][0]["type"] == "web_search_result_location"
    assert answer["usage"]["server_tool_use"]["web_search_requests"] == 1
    assert (
        ask(
            messages=[
                {"role": "user", "content": "Search for cats"},
                {"role": "assistant", "content": answer["content"]},
                {"role": "user", "content": "Thanks"},
            ],
            tools=[tool],
        ).status
        == 200
    )


@pytest.mark.parametrize(
    ("source", "kind", "quoted"),
    [
        ({"type": "text", "media_type": "text/plain", "data": "The sky is blue."}, "char", "sky"),
        ({"type": "content", "content": "The sky is blue."}, "content_block", "sky"),
        ({"type": "url", "url": "https://example.com/a.pdf"}, "page", "PDF"),
    ],
)
def test_documents_are_cited_where_citations_are_enabled(ask, source, kind, quoted):
    block = {"type": "document", "source": source, "citations": {"enabled": True}, "title": "T"}
    answer = ask(messages=[{"role": "user", "content": [block]}]).json
    (citation,) = answer["content"][-1]["citations"]
    assert citation["type"] == f"{kind}_location"
    assert quoted in citation["cited_text"]
    assert citation["document_title"] == "T"


def test_speed_is_reported(ask):
    assert ask(model="claude-opus-5-5", speed="fast").json["usage"]["speed"] == "fast"
