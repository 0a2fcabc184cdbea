"""Tools, tool choice, calls and results in the history."""

from __future__ import annotations

import json
from typing import Any

from conformance.bench import Bench
from conformance.registry import check, expects, refuses
from conformance.samples import ASKED, CITY, EMPTY, answered, called, function, image, result, user

F = [function()]
CHOSEN = {"type": "function", "function": {"name": "f"}}

expects(
    "tools.function_arrives",
    tools=[function("get_weather", CITY, description="Weather of a city")],
    wire={
        "tools.0.name": "get_weather",
        "tools.0.description": "Weather of a city",
        "tools.0.input_schema": CITY,
    },
)


@check("tools.empty_list_is_taken")
def _(bench: Bench) -> None:
    bench.ask(tools=[])
    assert not bench.sent("tools")
    assert bench.sent("tool_choice") is None
    bench.legal()


for label, parameters in {
    "null": None,
    "empty": {},
    "without_properties": {"type": "object"},
}.items():
    expects(
        f"tools.parameters_{label}",
        57,
        tools=[function("f", parameters)],
        wire={"tools.0.input_schema.type": "object"},
    )
expects(
    "tools.parameters_missing",
    57,
    tools=[{"type": "function", "function": {"name": "f"}}],
    wire={"tools.0.input_schema.type": "object"},
)
expects(
    "tools.parameters_without_type_keep_their_properties",
    57,
    tools=[function("f", {"properties": {"a": {"type": "string"}}})],
    wire={
        "tools.0.input_schema.type": "object",
        "tools.0.input_schema.properties.a.type": "string",
    },
)
expects(
    "tools.native_tool_passes",
    62,
    tools=[{"name": "f", "input_schema": CITY}],
    wire={"tools.0.name": "f", "tools.0.input_schema": CITY},
)
expects(
    "tools.native_server_tool_passes",
    145,
    tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
    wire={"tools.0": {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}},
)
expects(
    "tools.eager_input_streaming_reaches_the_definition",
    28,
    tools=[{**function("f", CITY), "eager_input_streaming": True}],
    wire={"tools.0.eager_input_streaming": True},
)
refuses("tools.two_of_one_name_are_refused", param="tools", tools=[function("f"), function("f")])


@check("tools.unknown_native_tool_type_passes", 145)
def _(bench: Bench) -> None:
    tool = {"type": "web_search_20270101", "name": "web_search"}
    bench.ask(tools=[tool])
    assert bench.sent("tools.0") == tool


@check("history.call_and_result_arrive")
def _(bench: Bench) -> None:
    asked = called(("toolu_1", "f", '{"city":"Bern"}'), content="Let me look.")
    bench.ask([ASKED, asked, result("toolu_1", "12 °C")], tools=F)
    assert bench.turns[1][1][0]["text"] == "Let me look."
    (call,) = bench.blocks("tool_use")
    assert (call["id"], call["name"], call["input"]) == ("toolu_1", "f", {"city": "Bern"})
    (given,) = bench.blocks("tool_result")
    assert given["tool_use_id"] == "toolu_1"
    assert "12 °C" in json.dumps(given["content"], ensure_ascii=False)
    bench.legal()


@check("history.results_of_one_turn_are_one_message", 42)
def _(bench: Bench) -> None:
    bench.ask(answered("a", "b"), tools=F)
    role, made = bench.turns[-1]
    assert (role, [one["tool_use_id"] for one in made]) == ("user", ["a", "b"])
    bench.legal()


@check("history.results_may_come_in_any_order", 42)
def _(bench: Bench) -> None:
    bench.ask([*answered("a", "b")[:2], result("b", "2"), result("a", "1")], tools=F)
    assert {one["tool_use_id"] for one in bench.blocks("tool_result")} == {"a", "b"}
    bench.legal()


@check("history.text_after_results_follows_them")
def _(bench: Bench) -> None:
    bench.ask([*answered("a"), user("and now?")], tools=F)
    after = [block["type"] for role, made in bench.turns[2:] for block in made]
    assert after == ["tool_result", "text"]
    bench.legal()


for label, content in {"empty": "", "null": None, "no_parts": [], "newline": "\n"}.items():

    @check(f"history.{label}_result_is_legal", 56)
    def _(bench: Bench, content: object = content) -> None:
        bench.ask([*answered("toolu_1")[:2], result("toolu_1", content)], tools=F)
        assert [one["tool_use_id"] for one in bench.blocks("tool_result")] == ["toolu_1"]
        bench.legal()


@check("history.image_in_a_result_stays_an_image", 55)
def _(bench: Bench) -> None:
    from conformance.samples import PNG  # noqa: PLC0415

    content = image(f"data:image/png;base64,{PNG}")
    bench.ask([*answered("a")[:2], result("a", content)], tools=F)
    (given,) = bench.blocks("tool_result")
    assert [block["type"] for block in given["content"]] == ["text", "image"]
    assert given["content"][1]["source"]["data"] == PNG
    bench.legal()


@check("history.calls_without_tools_are_legal", 34)
def _(bench: Bench) -> None:
    done = [*answered("toolu_1"), {"role": "assistant", "content": "done"}, user("Summarise.")]
    bench.ask(done)
    assert bench.sent("tools") is None or bench.sent("tool_choice.type") == "none"
    bench.legal()


@check("history.orphan_result_is_never_sent_as_is", 46)
def _(bench: Bench) -> None:
    try:
        bench.ask([{"role": "system", "content": "s"}, result("x"), user("go")], tools=F)
    except Exception as error:  # noqa: BLE001  # OpenAI refuses it, and so may the subject
        bench.is_refusal(error)
        if bench.subject.openai_errors:
            assert str(getattr(error, "param", None)).startswith("messages[1]")  # noqa: PT017
    else:
        bench.legal()


@check("history.call_without_a_result_is_legal")
def _(bench: Bench) -> None:
    bench.ask([ASKED, called(("a", "f")), user("never mind")], tools=F)
    assert [one["tool_use_id"] for one in bench.blocks("tool_result")] == ["a"]
    bench.legal()


@check("history.native_blocks_count_as_calls_and_results", 48)
def _(bench: Bench) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    given = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}
    spoken = {"role": "assistant", "content": [{"type": "text", "text": "t"}, call]}
    bench.ask([ASKED, spoken, user([given])], tools=F)
    assert [one["id"] for one in bench.blocks("tool_use")] == ["toolu_1"]
    assert [one["tool_use_id"] for one in bench.blocks("tool_result")] == ["toolu_1"]
    bench.legal()


for label, arguments in {
    "empty": "",
    "broken": '{"a":',
    "a_list": "[1]",
    "nan": '{"v":NaN}',
}.items():

    @check(f"history.arguments_{label}_are_legal", *([154] if label == "nan" else []))
    def _(bench: Bench, arguments: str = arguments) -> None:
        bench.ask([ASKED, called(("a", "f", arguments)), result("a")], tools=F)
        (call,) = bench.blocks("tool_use")
        assert isinstance(call["input"], dict)
        assert b"NaN" not in bench.requests[-1].body.replace(b'NaN}"', b"")
        bench.legal()


@check("history.big_integers_keep_their_digits", 154)
def _(bench: Bench) -> None:
    bench.ask([ASKED, called(("a", "f", '{"id":9007199254740993}')), result("a")], tools=F)
    assert b"9007199254740993" in bench.requests[-1].body


LEGACY = [
    ASKED,
    {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
    {"role": "function", "name": "f", "content": "r"},
]
FUNCTIONS = [{"name": "f", "parameters": EMPTY}]


@check("functions.legacy_history_is_legal", 39)
def _(bench: Bench) -> None:
    bench.ask(LEGACY, functions=FUNCTIONS, function_call="auto")
    assert bench.sent("tools.0.name") == "f"
    (call,) = bench.blocks("tool_use")
    (given,) = bench.blocks("tool_result")
    assert call["id"] == given["tool_use_id"]
    bench.legal()


expects(
    "functions.legacy_choice_is_forced",
    39,
    functions=FUNCTIONS,
    function_call={"name": "f"},
    wire={"tool_choice.type": "tool", "tool_choice.name": "f"},
)


for label, parameters in {"a_text": "x", "a_list": [1], "a_truth": True}.items():

    @check(f"tools.parameters_that_are_{label}_are_mended_or_refused", 57)
    def _(bench: Bench, parameters: Any = parameters) -> None:
        try:
            bench.ask(tools=[function("the_odd_one", parameters)])
        except Exception as error:  # noqa: BLE001  # a refusal must name the tool
            bench.is_refusal(error)
            assert "the_odd_one" in str(error)  # noqa: PT017
        else:
            assert bench.sent("tools.0.input_schema.type") == "object"


for label, native_call in {"call": True, "result": False}.items():

    @check(f"history.a_native_{label}_may_meet_openais", 48)
    def _(bench: Bench, native_call: bool = native_call) -> None:
        call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
        given = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}
        if native_call:
            turn = [{"role": "assistant", "content": [call]}, result("toolu_1")]
        else:
            turn = [called(("toolu_1", "f")), user([given])]
        bench.ask([ASKED, *turn], tools=F)
        assert [one["id"] for one in bench.blocks("tool_use")] == ["toolu_1"]
        assert [one["tool_use_id"] for one in bench.blocks("tool_result")] == ["toolu_1"]
        bench.legal()
