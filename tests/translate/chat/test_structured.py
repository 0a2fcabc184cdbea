import pytest

from chat_requests import (
    NEWEST,
    assistant,
    call,
    function_tool,
    plan,
    planned,
    receipts,
    refused,
    result,
    user,
)
from claif_cla.catalog import model_info
from claif_cla.translate.call import Settings
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.structured import asks_in_words, response_format_patch
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.receipts import Receipts
from claif_cla.wire import json_text

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def json_schema(schema=SCHEMA, **more):
    return {"type": "json_schema", "json_schema": {"name": "o", "schema": schema, **more}}


def test_text_is_the_default():
    assert planned(response_format={"type": "text"}) == planned()


def test_a_schema_becomes_the_output_format():
    body = planned(response_format=json_schema(strict=True))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert receipts(response_format=json_schema(strict=True)) == []


def test_a_schema_forces_no_tool_and_leaves_the_tools():
    body = planned(response_format=json_schema(), tools=[function_tool()])
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert "tool_choice" not in body
    assert "strict" not in body["tools"][0]


def test_what_claude_does_not_check_is_noted():
    schema = {**SCHEMA, "properties": {"a": {"type": "string", "maxLength": 5}}}
    request = {"response_format": json_schema(schema)}
    assert (
        "maxLength"
        not in planned(**request)["output_config"]["format"]["schema"]["properties"]["a"]
    )
    assert receipts(**request) == [("response_format", "adapted")]


def test_the_callers_schema_is_left_alone():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    planned(response_format=json_schema(schema, description="D"))
    assert schema == {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}


def test_the_description_of_the_format_becomes_the_schemas():
    wire = planned(response_format=json_schema(description="D"))["output_config"]["format"]
    assert wire["schema"]["description"] == "D"


def test_a_schemas_own_description_stands():
    wire = planned(response_format=json_schema({**SCHEMA, "description": "S"}, description="D"))
    assert wire["output_config"]["format"]["schema"]["description"] == "S"


def test_json_mode_is_an_instruction_with_a_receipt():
    request = {"response_format": {"type": "json_object"}}
    [block] = planned(**request)["system"]
    assert "single JSON object" in block["text"]
    assert "output_config" not in planned(**request)
    assert receipts(**request) == [("response_format", "adapted")]


def test_a_model_without_structured_outputs_is_told_the_schema():
    model = model_info.lookup(NEWEST)._replace(structured_outputs=False)
    request, notes = {"response_format": json_schema()}, Receipts()
    context = Context(request, Settings(), NEWEST, model, ToolBox(), notes)
    assert response_format_patch(request["response_format"], context) == {}
    assert '"required":["a"]' in context.instructions[0]
    assert notes.entries[0]["param"] == "response_format"


RECURSIVE = {
    "type": "object",
    "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["kids"],
}
LENIENT = {"compat": "lenient"}


@pytest.mark.parametrize(
    ("schema", "kind"), [(RECURSIVE, "object"), ({"type": "array", "items": {}}, "value")]
)
def test_lenient_tells_a_schema_that_cannot_be_compiled(schema, kind):
    request = {"response_format": json_schema(schema), "settings": LENIENT}
    body = planned(**request)
    assert "output_config" not in body
    assert f"single JSON {kind} and nothing else" in body["system"][0]["text"]
    assert json_text.dump_text(schema) in body["system"][0]["text"]
    assert receipts(**request) == [("response_format", "adapted")]
    assert plan(**request).unfence


@pytest.mark.parametrize("compat", ["strict", "adapt"])
def test_else_it_is_refused(compat):
    refusal = refused(response_format=json_schema(RECURSIVE), settings={"compat": compat})
    assert refusal.param == "response_format.json_schema.schema"
    assert refusal.message.startswith(f"`{refusal.param}`: the schema refers to itself")
    assert "compat='lenient'" in refusal.message


def test_words_take_any_schema():
    model = model_info.lookup(NEWEST)._replace(structured_outputs=False)
    notes = Receipts()
    context = Context({}, Settings(), NEWEST, model, ToolBox(), notes)
    assert response_format_patch(json_schema(RECURSIVE, description="D"), context) == {}
    assert '{"description":"D",' in context.instructions[0]
    assert len(notes.entries) == 1


def cited(**more):
    source = {"type": "text", "media_type": "text/plain", "data": "x"}
    document = {"type": "document", "source": source, "citations": {"enabled": True}, **more}
    return user([{"type": "text", "text": "q"}, document])


CITED = [
    [cited()],
    [
        user("q"),
        assistant(None, call("c", "f")),
        result("c", cited()["content"]),
    ],
]


@pytest.mark.parametrize("messages", CITED)
def test_an_answer_by_a_schema_about_documents_with_citations_is_refused(messages):
    refusal = refused(messages=messages, response_format=json_schema())
    assert (refusal.param, refusal.code) == ("response_format", "unsupported_value")


@pytest.mark.parametrize("more", [{}, {"reasoning_effort": "low"}])
def test_lenient_tells_the_schema_instead(more):
    request = {"messages": [cited()], "response_format": json_schema(), "settings": LENIENT}
    body = planned(**request, **more)
    assert "format" not in body.get("output_config", {})
    assert '"required":["a"]' in body["system"][0]["text"]
    assert ("response_format", "adapted") in receipts(**request, **more)


NATIVE = {"format": {"type": "json_schema", "schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("request_", "format_"),
    [
        ({"messages": [cited(citations={"enabled": False})]}, SCHEMA),
        ({"messages": [cited(citations=None)]}, SCHEMA),
        # Anthropic's own field is the caller's own business.
        ({"messages": [cited()], "output_config": NATIVE}, {"type": "object"}),
    ],
)
def test_without_citations_and_in_anthropics_own_form_a_format_is_sent(request_, format_):
    body = planned(**{"response_format": json_schema(), **request_})
    assert body["output_config"]["format"]["schema"] == format_


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("json", "response_format"),
        ({}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        (
            {"type": "json_schema", "json_schema": {"name": "o"}},
            "response_format.json_schema.schema",
        ),
        (json_schema("x"), "response_format.json_schema.schema"),
        (json_schema({"type": "array", "items": {}}), "response_format.json_schema.schema"),
        (json_schema(description=5), "response_format.json_schema.description"),
    ],
)
def test_malformed_formats_are_refused(given, param):
    assert refused(response_format=given).param == param


@pytest.mark.parametrize(
    ("given", "supported", "expected"),
    [
        ({"type": "json_object"}, True, True),
        (json_schema(), True, False),
        (json_schema(), False, True),
        ({"type": "text"}, False, False),
        (None, False, False),
    ],
)
def test_json_that_is_asked_for_in_words_may_come_fenced(given, supported, expected):
    model = model_info.lookup(NEWEST)._replace(structured_outputs=supported)
    request = {"response_format": given}
    context = Context(request, Settings(), NEWEST, model, ToolBox(), Receipts())
    if given is not None:
        response_format_patch(given, context)
    assert asks_in_words(context) is expected
