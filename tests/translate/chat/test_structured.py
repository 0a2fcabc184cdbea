import dataclasses

import pytest

from chat_requests import NEWEST, function_tool, planned, receipts, refused
from claif_cla.catalog import model_info
from claif_cla.translate.call import Settings
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.structured import response_format_patch
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.receipts import Receipts

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
    model = dataclasses.replace(model_info.lookup(NEWEST), structured_outputs=False)
    request, notes = {"response_format": json_schema()}, Receipts()
    context = Context(request, Settings(), NEWEST, model, ToolBox(), notes)
    assert response_format_patch(request["response_format"], context) == {}
    assert '"required":["a"]' in context.instructions[0]
    assert notes.entries[0]["param"] == "response_format"


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
