"""`response_format`."""

from __future__ import annotations

import copy
import json
from typing import Any

from conformance.bench import MID, NEW, OLD, Bench
from conformance.legality import format_of
from conformance.registry import check, expects, refuses
from conformance.samples import CITY, STRICT, function, json_schema, user
from loopback import Gate, sse, stream_of, streamed, text_block, tool_use_block

LIMITED = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 1},
        "s": {"type": "string", "maxLength": 5, "pattern": "^(?!x).*"},
        "l": {"type": "array", "items": {"type": "string"}, "minItems": 3},
        "u": {"type": "string", "format": "uri"},
    },
    "required": ["n", "s", "l", "u"],
    "additionalProperties": False,
}


def sent(bench: Bench, schema: Any, **more: Any) -> dict[str, Any]:
    """The answer's schema on the wire."""
    bench.ask(response_format=json_schema(schema), model=MID, **more)
    found = format_of(bench.wire)
    assert found is not None, "no native structured output"
    assert found["type"] == "json_schema"
    schema_sent: dict[str, Any] = found["schema"]
    return schema_sent


def objects(value: Any) -> list[dict[str, Any]]:
    """Every object schema in it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict) and value.get("type") == "object" else []
    return own + [found for one in inner for found in objects(one)]


for label, model in (("old", OLD), ("mid", MID), ("new", NEW)):

    @check(f"structured.json_schema_is_native.{label}")
    def _(bench: Bench, model: str = model) -> None:
        bench.ask(model=model, response_format=json_schema(STRICT))
        assert format_of(bench.wire) == {"type": "json_schema", "schema": STRICT}
        assert bench.sent("tools") is None
        assert bench.sent("tool_choice") is None
        bench.legal()


expects("structured.text_is_nothing", response_format={"type": "text"}, without="output_config")


@check("structured.json_object_asks_for_json")
def _(bench: Bench) -> None:
    bench.says('{"a":1}')
    answer = bench.ask(response_format={"type": "json_object"})
    assert answer.text == '{"a":1}'
    assert "json" in (bench.system + json.dumps(bench.wire)).lower()
    bench.legal()


@check("structured.json_object_loses_its_fences")
def _(bench: Bench) -> None:
    bench.says('```json\n{"a": 1}\n```')
    assert json.loads(bench.ask(response_format={"type": "json_object"}).text or "") == {"a": 1}


@check("structured.json_object_loses_its_fences_in_streams")
def _(bench: Bench) -> None:
    bench.says('```json\n{"a": 1}\n```', piece=3)
    assert json.loads(bench.stream(response_format={"type": "json_object"}).text) == {"a": 1}


@check("structured.unsupported_keywords_are_not_sent_as_such", 63)
def _(bench: Bench) -> None:
    properties = sent(bench, LIMITED)["properties"]
    assert "minimum" not in properties["n"]
    assert not {"maxLength", "pattern"} & set(properties["s"])
    assert properties["l"].get("minItems", 0) in (0, 1)


@check("structured.unsupported_keywords_are_told_in_words", 63)
def _(bench: Bench) -> None:
    properties = sent(bench, LIMITED)["properties"]
    assert "1" in properties["n"]["description"]
    assert "5" in properties["s"]["description"]
    assert "3" in properties["l"]["description"]


@check("structured.supported_keywords_stay", 63)
def _(bench: Bench) -> None:
    made = sent(bench, LIMITED)
    assert made["properties"]["u"]["format"] == "uri"
    assert made["required"] == LIMITED["required"]


@check("structured.every_object_is_closed", 63)
def _(bench: Bench) -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string"}}}
    nested = {"type": "object", "properties": {"a": inner}, "required": ["a"]}
    assert all(one["additionalProperties"] is False for one in objects(sent(bench, nested)))


@check("structured.callers_schema_is_left_alone", 63)
def _(bench: Bench) -> None:
    before = copy.deepcopy(LIMITED)
    sent(bench, LIMITED)
    assert before == LIMITED


@check("structured.definitions_arrive")
def _(bench: Bench) -> None:
    schema = {**STRICT, "properties": {"a": {"$ref": "#/$defs/C"}}, "$defs": {"C": CITY}}
    made = sent(bench, schema)
    assert "city" in json.dumps(made)


@check("structured.nullable_type_is_legal")
def _(bench: Bench) -> None:
    made = sent(bench, {**STRICT, "properties": {"a": {"type": ["string", "null"]}}})
    assert "null" in json.dumps(made["properties"]["a"])
    bench.legal()


@check("structured.one_of_is_any_of")
def _(bench: Bench) -> None:
    union = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    made = sent(bench, {**STRICT, "properties": {"a": union}})
    assert "anyOf" in made["properties"]["a"]
    assert "oneOf" not in made["properties"]["a"]


@check("structured.beside_tools_both_are_sent", 64)
def _(bench: Bench) -> None:
    made = sent(bench, STRICT, tools=[function()])
    assert made["properties"] == STRICT["properties"]
    assert [tool["name"] for tool in bench.wire["tools"]] == ["f"]
    assert bench.sent("tool_choice.type") in (None, "auto")


@check("structured.beside_tools_a_call_is_a_call", 64)
def _(bench: Bench) -> None:
    bench.says(tool_use_block("f", {}), stop_reason="tool_use")
    answer = bench.ask(response_format=json_schema(STRICT), tools=[function()], model=MID)
    assert [call["function"]["name"] for call in answer.calls] == ["f"]
    assert answer.finish == "tool_calls"


@check("structured.beside_tools_an_answer_is_text", 64)
def _(bench: Bench) -> None:
    bench.says('{"a":"x"}')
    answer = bench.ask(response_format=json_schema(STRICT), tools=[function()], model=MID)
    assert (answer.text, answer.calls, answer.finish) == ('{"a":"x"}', [], "stop")


@check("structured.streams_as_content", 67)
def _(bench: Bench) -> None:
    bench.says('{"a":"x"}', piece=2)
    stream = bench.stream(response_format=json_schema(STRICT), model=MID)
    assert (stream.text, stream.call_deltas, stream.finish) == ('{"a":"x"}', [], "stop")


@check("structured.streams_as_it_comes", 67)
def _(bench: Bench) -> None:
    bench.gate = Gate()
    events = stream_of([text_block('{"a":"x"}')], piece=3)
    bench.replies(streamed([sse(events[:5]), bench.gate, sse(events[5:])]))
    bench.arrives_early(
        lambda chunk: bool(chunk["choices"] and chunk["choices"][0]["delta"].get("content")),
        response_format=json_schema(STRICT),
        model=MID,
    )


@check("structured.root_array_is_wrapped_or_refused", 69)
def _(bench: Bench) -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    try:
        bench.ask(response_format=json_schema(schema), model=MID)
    except Exception as error:  # noqa: BLE001  # to refuse it is what OpenAI does
        bench.is_refusal(error)
    else:
        assert (format_of(bench.wire) or {})["schema"]["type"] == "object"


@check("structured.recursive_schema_is_refused_or_told")
def _(bench: Bench) -> None:
    kids = {"type": "array", "items": {"$ref": "#/$defs/Node"}}
    node = {"type": "object", "properties": {"kids": kids}, "required": ["kids"]}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    try:
        bench.ask(response_format=json_schema(schema), model=MID)
    except Exception as error:  # noqa: BLE001  # to say so at once is right
        bench.is_refusal(error)
    else:
        bench.legal()


@check("structured.beside_citations_is_not_sent")
def _(bench: Bench) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "x"}
    document = {"type": "document", "source": source, "citations": {"enabled": True}}
    asked = user([{"type": "text", "text": "q"}, document])
    try:
        bench.ask([asked], response_format=json_schema(STRICT), model=MID)
    except Exception as error:  # noqa: BLE001  # to say so at once is right
        bench.is_refusal(error)
    else:
        cites = any(one.get("citations") for one in bench.blocks("document"))
        assert not (format_of(bench.wire) and cites)


@check("structured.shares_its_limits_with_strict_tools", 36)
def _(bench: Bench) -> None:
    def optional(count: int) -> dict[str, Any]:
        properties = {f"p{number}": {"type": "string"} for number in range(count)}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    strict = function("f", optional(15), strict=True)
    bench.ask(tools=[strict], response_format=json_schema(optional(15)), model=MID)
    assert not (format_of(bench.wire) and bench.sent("tools.0.strict"))
    bench.legal()


refuses(
    "structured.schema_missing_is_refused",
    param="response_format",
    response_format={"type": "json_schema", "json_schema": {"name": "o"}},
)
refuses(
    "structured.unknown_type_is_refused", param="response_format", response_format={"type": "xml"}
)


@check("structured.root_array_comes_back_as_one", 69)
def _(bench: Bench) -> None:
    wanted = json_schema({"type": "array", "items": {"type": "string"}})
    try:
        bench.ask(response_format=wanted, model=MID)
    except Exception as error:  # noqa: BLE001  # to refuse it is what OpenAI does
        bench.is_refusal(error)
        return
    (field,) = (format_of(bench.wire) or {})["schema"]["properties"]
    bench.says(json.dumps({field: ["x", "y"]}), piece=2)
    assert json.loads(bench.ask(response_format=wanted, model=MID).text or "") == ["x", "y"]
    bench.says(json.dumps({field: ["x", "y"]}), piece=2)
    assert json.loads(bench.stream(response_format=wanted, model=MID).text) == ["x", "y"]


@check("structured.title_with_spaces_is_no_fault", 69)
def _(bench: Bench) -> None:
    titled = {**STRICT, "title": "An answer, with spaces"}
    bench.ask(response_format=json_schema(titled, name="o"), model=MID)
    assert (format_of(bench.wire) or {})["schema"]["required"] == ["a"]
    bench.legal()
