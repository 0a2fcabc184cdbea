"""`tool_schema` and `strict_tool_schema`: parameters of functions as `input_schema`."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from claif_cla.errors import Refusal
from claif_cla.translate.schema.convert import (
    MAX_STRICT_OPTIONAL,
    MAX_STRICT_UNIONS,
    StrictCost,
    strict_cost,
    strict_tool_schema,
    tool_schema,
)
from recorded import needs_recordings, recordings

EMPTY = {"type": "object", "properties": {}}
TEXT = {"type": "string"}


@pytest.mark.parametrize("parameters", [None, {}, True])
def test_no_parameters_are_an_object_without_keys(parameters: Any) -> None:
    assert tool_schema(parameters).schema == EMPTY
    assert tool_schema(parameters).notes == ()


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object"},
        {"type": "object", "properties": {}},
        {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {"^x-": TEXT},
            "properties": {"a": {"type": "integer", "minimum": 0, "description": "d"}},
            "required": ["a"],
            "x-vendor": {"anything": [1, None]},
            "$schema": "http://json-schema.org/draft-07/schema#",
        },
        {
            "type": "object",
            "properties": {"n": {"$ref": "#/$defs/Node"}},
            "$defs": {"Node": {"properties": {"c": {"items": {"$ref": "#/$defs/Node"}}}}},
        },
        {
            "type": "object",
            "properties": {"t": {"$ref": "#/definitions/_gen:tags", "description": "d"}},
            "definitions": {"_gen:tags": {"type": "array", "items": TEXT}},
        },
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": {}, "c": True}},
        {"type": "object", "properties": {"child": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"anyOf": [TEXT, {"type": "null"}]}}},
        {"type": "object", "properties": {"a": {"type": "string", "nullable": True}}},
    ],
)
def test_an_object_schema_passes_unchanged(parameters: dict[str, Any]) -> None:
    result = tool_schema(parameters)

    assert result.schema == parameters
    assert (result.notes, result.wrapped, result.strict) == ((), None, False)


def test_a_missing_type_is_added() -> None:
    result = tool_schema({"properties": {"a": TEXT}})

    assert result.schema == {"type": "object", "properties": {"a": TEXT}}


@pytest.mark.parametrize(
    ("parameters", "properties"),
    [
        ({"type": "object", "properties": {"a": "string"}}, {"a": TEXT}),
        (
            {"type": "object", "properties": {"a": "the name"}},
            {"a": {"description": "the name"}},
        ),
        ({"type": "object", "properties": {"a": None, "b": 3}}, {"a": {}, "b": {}}),
        ({"type": "object", "properties": None}, {}),
        ({"type": "object", "properties": [TEXT]}, {}),
    ],
)
def test_properties_that_are_no_schemas_are_replaced(
    parameters: dict[str, Any], properties: dict[str, Any]
) -> None:
    result = tool_schema(parameters)

    assert result.schema == {"type": "object", "properties": properties}
    assert result.notes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"exclusiveMinimum": True, "minimum": 0}, {"exclusiveMinimum": 0}),
        ({"exclusiveMaximum": False, "maximum": 9}, {"maximum": 9}),
        ({"exclusiveMinimum": True}, {}),
        ({"exclusiveMinimum": 3}, {"exclusiveMinimum": 3}),
        ({"items": [TEXT], "additionalItems": False}, {"prefixItems": [TEXT], "items": False}),
        ({"items": []}, {}),
        ({"required": ["x", 3]}, {"required": ["x"]}),
        ({"required": {"x": True}}, {}),
        ({"required": False}, {}),
        ({"type": "INTEGER"}, {"type": "integer"}),
        ({"type": None}, {}),
    ],
)
def test_older_drafts_are_upgraded(given: dict[str, Any], expected: dict[str, Any]) -> None:
    parameters = {"type": "object", "properties": {"a": given}, "required": "a"}
    before = copy.deepcopy(parameters)

    result = tool_schema(parameters)

    assert result.schema == {"type": "object", "properties": {"a": expected}, "required": ["a"]}
    assert "the root: `required` was no list of names and was repaired" in result.notes
    assert parameters == before


# Roots


def test_alternatives_that_only_require_keys_are_told_not_enforced() -> None:
    parameters = {
        "type": "object",
        "properties": {"a": TEXT, "b": TEXT},
        "required": [],
        "description": "D",
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }

    result = tool_schema(parameters)

    assert result.schema == {
        "type": "object",
        "properties": {"a": TEXT, "b": TEXT},
        "required": [],
        "description": 'D\n\n{anyOf: [{"required": ["a"]}, {"required": ["b"]}]}',
    }
    assert len(result.notes) == 1
    assert result.notes[0].startswith("`anyOf` at the root")


def test_a_discriminated_union_becomes_one_object() -> None:
    file = {
        "type": "object",
        "properties": {"kind": {"const": "file"}, "path": TEXT, "n": {"type": "integer"}},
        "required": ["kind", "path"],
        "additionalProperties": False,
    }
    url = {
        "type": "object",
        "properties": {"kind": {"const": "url"}, "url": TEXT, "n": {"type": "string"}},
        "required": ["kind"],
        "additionalProperties": False,
    }

    result = tool_schema({"oneOf": [file, {"$ref": "#/$defs/U"}], "$defs": {"U": url}})

    assert result.schema == {
        "type": "object",
        "$defs": {"U": url},
        "properties": {
            "kind": {"enum": ["file", "url"]},
            "path": TEXT,
            "n": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "url": TEXT,
        },
        "required": ["kind"],
        "additionalProperties": False,
        "description": '{oneOf: [{"kind": "file", "required": ["kind", "path"], "optional": ["n"]}'
        ', {"kind": "url", "required": ["kind"], "optional": ["url", "n"]}]}',
    }
    assert result.wrapped is None


def test_all_of_at_the_root_requires_what_each_part_requires() -> None:
    result = tool_schema(
        {
            "allOf": [
                {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
                {"$ref": "#/$defs/B"},
            ],
            "$defs": {"B": {"properties": {"b": TEXT}, "required": ["b"]}},
        }
    )

    assert result.schema["properties"] == {"a": TEXT, "b": TEXT}
    assert result.schema["required"] == ["a", "b"]
    assert result.notes == ()


def test_a_reference_at_the_root_is_inlined_and_recursion_still_resolves() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}

    result = tool_schema({"$ref": "#/$defs/N", "$defs": {"N": node}})

    assert result.schema == {**node, "$defs": {"N": node}}


def test_an_alternative_of_null_is_left_out() -> None:
    one = {"type": "object", "properties": {"a": TEXT}}

    assert tool_schema({"anyOf": [one, {"type": "null"}]}).schema == one


def test_other_types_beside_object_are_left_out_with_a_note() -> None:
    result = tool_schema({"type": ["object", "null"], "properties": {"a": TEXT}})

    assert result.schema == {"type": "object", "properties": {"a": TEXT}}
    assert result.notes == ("the input is always an object; other types in `type` were left out",)


@pytest.mark.parametrize(
    "parameters",
    [
        TEXT,
        {"type": "array", "items": TEXT},
        {"enum": ["a", "b"]},
        {"anyOf": [{"type": "object"}, TEXT]},
        {"minLength": 3},
        {"anyOf": [{"type": "object"}, False]},
        {"allOf": [{"type": "object"}, TEXT]},
    ],
)
def test_what_is_no_object_is_wrapped(parameters: dict[str, Any]) -> None:
    result = tool_schema(parameters)

    assert result.wrapped == "input"
    assert result.schema == {
        "type": "object",
        "properties": {"input": parameters},
        "required": ["input"],
    }


def test_references_of_a_wrapped_schema_still_lead_to_their_targets() -> None:
    result = tool_schema(
        {
            "type": "array",
            "items": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/A"}, {"$ref": "#/items"}]},
            "$defs": {"A": {"$ref": "#/items"}},
        }
    ).schema

    inner = result["properties"]["input"]
    assert [part["$ref"] for part in inner["items"]["anyOf"]] == [
        "#/properties/input",
        "#/$defs/A",
        "#/properties/input/items",
    ]
    assert result["$defs"] == {"A": {"$ref": "#/properties/input/items"}}


def test_a_union_that_is_referred_to_is_wrapped_so_that_the_reference_holds() -> None:
    branch = {"type": "object", "properties": {"a": {"$ref": "#/anyOf/1"}}}

    result = tool_schema({"anyOf": [branch, {"type": "object"}]})

    assert result.wrapped == "input"
    inner = result.schema["properties"]["input"]["anyOf"][0]
    assert inner["properties"]["a"] == {"$ref": "#/properties/input/anyOf/1"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([TEXT], "must be a JSON schema"),
        ("object", "must be a JSON schema"),
        (False, "must be a JSON schema"),
        ({"$ref": "#/$defs/Missing"}, "leads to no schema"),
        ({"$ref": "https://example.com/s.json"}, "does not point into"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "leads back to itself"),
        ({"type": "objekt"}, "`type` must be one or more of"),
    ],
)
@pytest.mark.parametrize("rewrite", [tool_schema, strict_tool_schema])
def test_what_is_no_schema_is_refused(rewrite: Any, parameters: Any, message: str) -> None:
    with pytest.raises(Refusal, match=message) as caught:
        rewrite(parameters, param="tools[3].function.parameters")

    assert caught.value.param == "tools[3].function.parameters"


def test_a_key_that_means_anything_in_one_alternative_stays_open() -> None:
    objects = [{"type": "object", "properties": {"a": part}} for part in (True, {"const": 1})]

    result = tool_schema({"anyOf": objects})

    assert result.schema["properties"] == {"a": {"anyOf": [True, {"const": 1}]}}


def test_constants_of_different_types_share_one_enum() -> None:
    consts = [{"type": "string", "const": "x"}, {"type": "integer", "const": 1, "title": "t"}]
    objects = [{"type": "object", "properties": {"k": part}} for part in consts]

    assert tool_schema({"anyOf": objects}).schema["properties"] == {"k": {"enum": ["x", 1]}}


def test_a_combinator_that_is_no_list_is_removed() -> None:
    result = tool_schema({"type": "object", "properties": {"a": TEXT}, "anyOf": "x", "allOf": []})

    assert result.schema == {"type": "object", "properties": {"a": TEXT}}
    assert len(result.notes) == 2


def test_what_the_root_defines_wins_over_its_alternatives() -> None:
    parameters = {
        "type": "object",
        "properties": {"k": {"enum": ["x", "y"]}},
        "additionalProperties": True,
        "anyOf": [
            {"properties": {"k": {"const": "x"}}, "additionalProperties": False},
            {"properties": {"k": {"const": "y"}}, "additionalProperties": False},
        ],
    }

    result = tool_schema(parameters).schema

    assert result["properties"] == parameters["properties"]
    assert result["additionalProperties"] is True


def test_a_root_that_doubles_at_each_reference_is_refused() -> None:
    bombs: dict[str, Any] = {
        f"D{i}": {"allOf": [{"$ref": f"#/$defs/D{i + 1}"}] * 2} for i in range(14)
    }
    bombs["D14"] = {"type": "object"}

    with pytest.raises(Refusal, match="too deeply nested"):
        tool_schema({"$ref": "#/$defs/D0", "$defs": bombs})


def test_deep_nesting_is_refused() -> None:
    schema: dict[str, Any] = TEXT
    for _ in range(3_000):
        schema = {"type": "array", "items": schema}

    with pytest.raises(Refusal, match="nested deeper than 100 levels"):
        tool_schema({"type": "object", "properties": {"a": schema}})


@needs_recordings
def test_each_tool_that_the_api_was_seen_to_accept_passes_unchanged() -> None:
    seen = 0
    for recording in recordings():
        body = recording.request_body if recording.api == "anthropic" else None
        if not isinstance(body, dict) or recording.status != 200:
            continue
        for tool in body.get("tools") or []:
            if "input_schema" in tool:
                assert tool_schema(tool["input_schema"]).schema == tool["input_schema"], str(
                    recording
                )
                seen += 1
    assert seen > 100


# Strict tools


def test_a_strict_schema_is_closed_and_compiled() -> None:
    result = strict_tool_schema(
        {
            "type": "object",
            "properties": {
                "a": {"type": ["string", "null"]},
                "n": {"type": "integer", "minimum": 1},
            },
            "required": ["a", "n"],
        }
    )

    assert result.schema == {
        "type": "object",
        "properties": {
            "a": {"anyOf": [TEXT, {"type": "null"}]},
            "n": {"type": "integer", "description": "{minimum: 1}"},
        },
        "required": ["a", "n"],
        "additionalProperties": False,
    }
    assert result.strict
    assert result.notes == ("`n`: not enforced, moved into the description: `minimum`",)


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_strict_tool_without_parameters_is_strict(parameters: Any) -> None:
    result = strict_tool_schema(parameters)

    assert result.schema == {**EMPTY, "additionalProperties": False}
    assert result.strict


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (TEXT, "its input is not an object"),
        ({"type": "object", "properties": {}, "nullable": True}, "its input is not one object"),
        (
            {"type": "object", "properties": {"child": {"$ref": "#"}}},
            "the schema refers to itself through `root`",
        ),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/Missing"}}},
            "`$ref: '#/$defs/Missing'` leads to no schema",
        ),
        (
            {"type": "object", "properties": {"map": {"type": "object"}}},
            "it would forbid values that the schema allows",
        ),
        (
            {"type": "object", "properties": {"any": {}}},
            "it would forbid values that the schema allows",
        ),
        (
            {"type": "object", "additionalProperties": TEXT},
            "the schema is an object that lists no keys",
        ),
        (
            {"type": "object", "properties": {f"k{i}": TEXT for i in range(25)}},
            "Claude compiles at most 24 optional parameters and 16 unions",
        ),
    ],
)
def test_strictness_is_dropped_where_it_cannot_be_had(
    parameters: dict[str, Any], reason: str
) -> None:
    result = strict_tool_schema(parameters)

    assert not result.strict
    assert result.schema == tool_schema(parameters).schema
    assert result.notes[0].startswith(f"`strict` was dropped: {reason}")


@pytest.mark.parametrize("key", [TEXT, {}], ids=["strict", "strict dropped"])
def test_what_was_rewritten_is_noted_beside_strictness(key: dict[str, Any]) -> None:
    parameters = {"type": "object", "properties": {"a": key}, "anyOf": "no list"}

    noted = strict_tool_schema(parameters)

    assert noted.strict == (key == TEXT)
    assert tool_schema(parameters).notes
    assert set(tool_schema(parameters).notes) <= set(noted.notes)


def test_the_cost_counts_optional_parameters_and_unions_everywhere_once() -> None:
    union = {"anyOf": [TEXT, {"type": "null"}]}
    schema = strict_tool_schema(
        {
            "type": "object",
            "properties": {
                "a": union,
                "list": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"x": TEXT}, "required": ["x"]},
                },
                "r1": {"$ref": "#/$defs/D"},
                "r2": {"$ref": "#/$defs/D"},
            },
            "required": ["r1", "r2"],
            "$defs": {"D": {"type": "object", "properties": {"u": union}}},
        }
    ).schema

    assert strict_cost(schema) == StrictCost(optional=3, unions=2)


@pytest.mark.parametrize(
    ("cost", "affordable"),
    [
        (StrictCost(MAX_STRICT_OPTIONAL, MAX_STRICT_UNIONS), True),
        (StrictCost(MAX_STRICT_OPTIONAL + 1, 0), False),
        (StrictCost(0, MAX_STRICT_UNIONS + 1), False),
    ],
)
def test_a_cost_is_affordable_up_to_the_limits(cost: StrictCost, affordable: bool) -> None:
    assert cost.affordable is affordable


@needs_recordings
def test_each_strict_tool_that_the_api_was_seen_to_accept_stays_strict() -> None:
    seen = 0
    for recording in recordings():
        body = recording.request_body if recording.api == "anthropic" else None
        if not isinstance(body, dict) or recording.status != 200:
            continue
        for tool in body.get("tools") or []:
            if tool.get("strict"):
                assert strict_tool_schema(tool["input_schema"]).strict, str(recording)
                seen += 1
    assert seen > 10
