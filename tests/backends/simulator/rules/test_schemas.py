"""The subset of JSON schema that strict output can be compiled from."""

from __future__ import annotations

import pytest


def structured(schema):
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def closed(**properties):
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "object"}, "'additionalProperties' must be explicitly set to false"),
        (
            closed(a={"type": "object", "additionalProperties": True}),
            "'additionalProperties' must be explicitly set to false",
        ),
        (closed(a={"type": "array", "minItems": 2}), "'minItems' values other than 0 or 1"),
        (closed(a={"type": "array", "maxItems": 2}), "properties maxItems are not supported"),
        (
            closed(a={"type": "integer", "minimum": 0, "maximum": 9}),
            "For 'integer' type, properties maximum, minimum are not supported",
        ),
        (closed(a={"type": ["number", "null"], "minimum": 0}), "properties minimum"),
        (closed(a={"type": "string", "maxLength": 9}), "properties maxLength are not supported"),
        (closed(a={"type": "string", "format": "color"}), "format 'color' is not supported"),
        (closed(a={"oneOf": [{"type": "string"}]}), "Schema type 'oneOf' is not supported"),
        (closed(a={"type": "string", "not": {}}), "Schema type 'not' is not supported"),
        (closed(a={}), "Schema must have a 'type'"),
        (closed(a={"$ref": "https://example.com/a"}), "External schema reference"),
        (closed(a={"$ref": "#/$defs/a"}), "Schema reference '#/$defs/a' could not be resolved"),
        (closed(a={"$ref": "#"}), "Recursive schemas are not supported"),
        (
            {
                **closed(a={"$ref": "#/$defs/n"}),
                "$defs": {"n": closed(n={"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]})},
            },
            "Recursive schemas are not supported",
        ),
        (
            {
                **closed(a={"allOf": [{"$ref": "#/$defs/n"}]}),
                "$defs": {"n": {"type": "string"}},
            },
            "'allOf' with '$ref' is not supported",
        ),
        (closed(a={"type": "text"}), "JSON schema is invalid"),
        (closed(a={"type": "number", "exclusiveMinimum": True}), "JSON schema is invalid"),
        (
            closed(**{f"p{n}": {"type": "string"} for n in range(25)}),
            "too many optional parameters (25)",
        ),
        (
            {
                **closed(**{f"p{n}": {"type": ["string", "null"]} for n in range(17)}),
                "required": [f"p{n}" for n in range(17)],
            },
            "too many parameters with union types (17)",
        ),
    ],
)
def test_what_can_not_be_compiled_is_refused(ask, schema, message):
    answer = ask(**structured(schema))
    assert answer.status == 400
    assert message in answer.message


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        {"type": "string", "enum": ["a", "b"]},
        {"const": 5},
        {"type": "array", "items": {"type": "number"}, "minItems": 1},
        closed(a={"anyOf": [{"type": "string"}, {"type": "null"}]}, b={"type": ["string", "null"]}),
        closed(a={"type": "string", "format": "date", "description": "A day."}),
        {**closed(a={"$ref": "#/$defs/n"}), "$defs": {"n": closed(x={"type": "boolean"})}},
        {
            **closed(a={"$ref": "#/definitions/n"}, b={"$ref": "#/definitions/n"}),
            "definitions": {"n": {"type": "integer"}},
        },
    ],
)
def test_the_subset_is_taken(ask, schema):
    assert ask(**structured(schema)).status == 200


def test_a_tool_that_is_not_strict_may_use_all_of_json_schema(ask):
    schema = {
        "type": "object",
        "properties": {"a": {"oneOf": [{"type": "string", "minLength": 3}, {"$ref": "#"}]}},
        "patternProperties": {"^x": {"type": "integer", "minimum": 3}},
    }
    assert ask(tools=[{"name": "t", "input_schema": schema}]).status == 200


def test_a_schema_nested_too_deeply_is_refused(ask):
    schema = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    assert "nested too deeply" in ask(**structured(schema)).message


def test_the_beta_spelling_of_the_format_counts(ask):
    schema = {"type": "integer"}
    answer = ask(
        output_format={"type": "json_schema", "schema": schema},
        headers={"anthropic-beta": "structured-outputs-2025-11-13"},
    )
    assert answer.text == "1"
