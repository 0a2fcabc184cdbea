"""`output_schema`: JSON schemas of answers in the subset that Claude compiles."""

from __future__ import annotations

import copy
import inspect
import json
import sys
import time
from typing import Any

import pytest

from claif_cla.errors import Refusal
from claif_cla.translate.schema.convert import WRAPPED_OUTPUT, output_schema
from recorded import needs_recordings, recordings

SCALARS = [{"type": kind} for kind in ("string", "number", "boolean", "null")]


def closed(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def rewritten_property(schema: Any, **root: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What becomes of one property `a` of an otherwise plain schema."""
    result = output_schema(closed({"a": schema}, **root))
    return result.schema["properties"]["a"], result.notes


def test_a_schema_inside_the_subset_passes_without_a_note() -> None:
    schema = closed(
        {
            "name": {"type": "string", "description": "who"},
            "when": {"type": "string", "format": "date-time"},
            "kind": {"enum": ["a", "b", None]},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "other": {"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]},
        },
        required=["name"],
        title="A title with spaces",
        **{"$defs": {"B": closed({"n": {"type": "integer", "title": "N"}})}},
    )

    result = output_schema(schema)

    assert result.schema == schema
    assert (result.notes, result.wrapped, result.strict) == ((), None, False)


def test_the_bounds_that_pydantic_writes_move_into_descriptions() -> None:
    schema = closed(
        {
            "n": {"type": "integer", "minimum": 1, "description": "How many."},
            "s": {"type": "string", "maxLength": 5, "pattern": "^(?!x).*"},
            "l": {"type": "array", "items": {"type": "string"}, "minItems": 3},
            "u": {"type": "string", "format": "uri"},
        }
    )
    before = copy.deepcopy(schema)

    result = output_schema(schema)

    assert result.schema["properties"] == {
        "n": {"type": "integer", "description": "How many.\n\n{minimum: 1}"},
        "s": {"type": "string", "description": '{maxLength: 5, pattern: "^(?!x).*"}'},
        "l": {"type": "array", "items": {"type": "string"}, "description": "{minItems: 3}"},
        "u": {"type": "string", "format": "uri"},
    }
    assert result.notes == (
        "`n`: not enforced, moved into the description: `minimum`",
        "`s`: not enforced, moved into the description: `maxLength`, `pattern`",
        "`l`: not enforced, moved into the description: `minItems`",
    )
    assert schema == before


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": ["string"]}, {"type": "string"}),
        ({"type": ["integer", "number"]}, {"type": "number"}),
        ({"type": "STRING"}, {"type": "string"}),
        ({"type": ["string", "null"], "enum": ["x", None, 3]}, {"enum": ["x", None]}),
        ({"type": "string", "enum": ["x", "x", 1]}, {"type": "string", "enum": ["x"]}),
        ({"const": 1, "enum": [1, 2]}, {"const": 1}),
        ({"enum": [1, True]}, {"enum": [1, True]}),
        (
            {"type": "string", "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        (
            {"type": "string", "nullable": True, "enum": ["x"]},
            {"enum": ["x", None]},
        ),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        (
            {"const": 1, "nullable": True, "title": "t"},
            {"anyOf": [{"const": 1}, {"type": "null"}], "title": "t"},
        ),
        (
            {"allOf": [{"type": "string", "nullable": True}, {"title": "t"}]},
            {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "t"},
        ),
        ({"type": "object", "unevaluatedProperties": False}, closed({})),
        ({"anyOf": [{"type": "string"}]}, {"type": "string"}),
        ({"anyOf": [{"type": "string"}, False]}, {"type": "string"}),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d", "title": "t"},
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d", "title": "t"},
        ),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"type": "integer", "default": 3}, {"type": "integer", "description": "{default: 3}"}),
        (
            {"type": "integer", "format": "int32"},
            {"type": "integer", "description": '{format: "int32"}'},
        ),
        ({"type": "array", "items": {}}, {"type": "array"}),
        ({"type": "array", "items": True, "minItems": 0}, {"type": "array", "minItems": 0}),
        ({"type": "object", "properties": {}}, closed({})),
        (
            {"type": "object", "properties": {"x": {"type": "null"}, "never": False}},
            closed({"x": {"type": "null"}}),
        ),
        ({"type": "string", "minItems": 3, "properties": {}}, {"type": "string"}),
        (
            {"type": "string", "$comment": "c", "$id": "i", "discriminator": {}},
            {"type": "string"},
        ),
    ],
)
def test_another_spelling_of_the_same_needs_no_note(
    schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert rewritten_property(schema) == (expected, ())


@pytest.mark.parametrize(
    ("schema", "expected", "note"),
    [
        (
            {"type": "string", "format": "phone"},
            {"type": "string", "description": '{format: "phone"}'},
            "`a`: not enforced, moved into the description: `format`",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            closed({}, description='{additionalProperties: {"type": "integer"}}'),
            "`a`: only the keys listed in `properties` can be produced",
        ),
        (
            {"type": "object", "properties": {"x": {"type": "null"}}, "additionalProperties": True},
            closed({"x": {"type": "null"}}),
            "`a`: only the keys listed in `properties` can be produced",
        ),
        ({}, {"anyOf": SCALARS}, "`a`: any value is allowed, but only scalars can be produced"),
        (True, {"anyOf": SCALARS}, "`a`: any value is allowed, but only scalars can be produced"),
        (
            {"title": "Any"},
            {"anyOf": SCALARS, "title": "Any"},
            "`a`: any value is allowed, but only scalars can be produced",
        ),
        (
            {"minLength": 2},
            {"type": "string", "description": "{minLength: 2}"},
            "`a`: `type` is missing and taken to be `string`",
        ),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]},
            {
                "type": "array",
                "items": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "description": '{prefixItems: [{"type": "string"}, {"type": "null"}]}',
            },
            "`a`: not enforced, moved into the description: `prefixItems`",
        ),
        (
            {"type": "array", "items": False},
            {"type": "array", "description": "{maxItems: 0}"},
            "`a`: not enforced, moved into the description: `maxItems`",
        ),
        (
            {"enum": [[1], [2]]},
            {"type": "array", "description": "{enum: [[1], [2]]}"},
            "`a`: objects and lists in `enum` or `const` are not enforced",
        ),
        (
            {"oneOf": [{"type": "integer"}, {"type": "number"}]},
            {"anyOf": [{"type": "integer"}, {"type": "number"}]},
            "`a`: `oneOf` became `anyOf`; several may match at once",
        ),
        (
            {
                "oneOf": [
                    closed({"k": {"const": 1}}, required=["k"]),
                    closed({"k": {"enum": [1, 2]}}, required=["k"]),
                ]
            },
            {
                "anyOf": [
                    closed({"k": {"const": 1}}, required=["k"]),
                    closed({"k": {"enum": [1, 2]}}, required=["k"]),
                ]
            },
            "`a`: `oneOf` became `anyOf`; several may match at once",
        ),
        (
            {"type": "string", "not": {"const": "x"}},
            {"type": "string", "description": '{not: {"const": "x"}}'},
            "`a`: not enforced, moved into the description: `not`",
        ),
        (
            {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
            {"type": "integer", "description": "{exclusiveMinimum: 0}"},
            "`a`: `exclusiveMinimum: true` of draft 4 was upgraded",
        ),
        ("string", {"type": "string"}, "`a`: replaced a value that is no JSON schema"),
    ],
)
def test_what_validates_otherwise_is_noted(
    schema: Any, expected: dict[str, Any], note: str
) -> None:
    result, notes = rewritten_property(schema)

    assert result == expected
    assert note in notes


@pytest.mark.parametrize("more", [{}, {"properties": {}}])
def test_a_required_key_that_is_not_defined_can_be_any_scalar(more: dict[str, Any]) -> None:
    result = output_schema({"type": "object", "required": ["a"], **more})

    assert result.schema == closed({"a": {"anyOf": SCALARS}}, required=["a"])


def test_draft_3_required_moves_to_the_object() -> None:
    result = output_schema(closed({"a": {"type": "string", "required": True}}))

    assert result.schema == closed({"a": {"type": "string"}}, required=["a"])


# References


def test_definitions_of_any_draft_and_name_are_reachable_on_the_wire() -> None:
    result, notes = rewritten_property(
        {"$ref": "#/definitions/_gen:tags"},
        definitions={"_gen:tags": {"type": "array", "items": {"type": "string"}}},
    )

    assert (result, notes) == ({"$ref": "#/$defs/_gen_tags"}, ())


def test_unused_definitions_are_left_out_and_nested_ones_kept() -> None:
    schema = closed({"a": {"$ref": "#/$defs/A"}})
    schema["$defs"] = {
        "Unused": {"$ref": "#/$defs/Unused"},
        "B": {"type": "string"},
        "A": closed({"b": {"$ref": "#/$defs/B"}}),
    }

    definitions = output_schema(schema).schema["$defs"]

    assert list(definitions) == ["A", "B"]
    assert definitions["A"] == closed({"b": {"$ref": "#/$defs/B"}})


def test_names_that_become_equal_stay_apart() -> None:
    schema = closed({"a": {"$ref": "#/$defs/x:y"}, "b": {"$ref": "#/$defs/x~1y"}})
    schema["$defs"] = {"x:y": {"type": "string"}, "x/y": {"type": "null"}}

    result = output_schema(schema).schema

    assert result["properties"]["a"] == {"$ref": "#/$defs/x_y"}
    assert result["properties"]["b"] == {"$ref": "#/$defs/x_y_2"}
    assert result["$defs"] == {"x_y": {"type": "string"}, "x_y_2": {"type": "null"}}


@pytest.mark.parametrize(
    "reference",
    ["#/properties/b", "#/components/schemas/B", "https://x.test/s#/properties/b", "#/x/0"],
)
def test_pointers_to_other_places_are_followed(reference: str) -> None:
    schema = closed({"a": {"$ref": reference}, "b": {"type": "string"}})
    schema["$id"] = "https://x.test/s"
    schema["components"] = {"schemas": {"B": {"type": "string"}}}
    schema["x"] = [{"type": "string"}]

    result = output_schema(schema).schema

    [definition] = result["$defs"].values()
    assert definition == {"type": "string"}


def test_a_description_beside_a_reference_is_kept() -> None:
    result, notes = rewritten_property(
        {"$ref": "#/$defs/B", "description": "here", "default": "x"},
        **{"$defs": {"B": {"type": "string", "description": "B", "title": "T"}}},
    )

    assert result == {"type": "string", "description": 'here\n\n{default: "x"}\n\nB', "title": "T"}
    assert notes == ()


def test_constraints_beside_a_reference_are_merged() -> None:
    result, _ = rewritten_property(
        {"$ref": "#/$defs/B", "required": ["x"]},
        **{"$defs": {"B": closed({"x": {"type": "string"}})}},
    )

    assert result == closed({"x": {"type": "string"}}, required=["x"])


def test_a_reference_at_the_root_is_followed() -> None:
    node = closed({"a": {"type": "string"}})

    result = output_schema({"$ref": "#/$defs/M", "$defs": {"M": node}})

    assert result.schema == node


def test_the_same_definition_may_be_merged_and_referred_to() -> None:
    base = closed({"b": {"type": "number"}})
    result = output_schema(
        {
            "allOf": [
                {"$ref": "#/$defs/B"},
                {"type": "object", "properties": {"p": {"$ref": "#/$defs/B"}}},
            ],
            "$defs": {"B": {"type": "object", "properties": base["properties"]}},
        }
    )

    assert result.schema == closed(
        {"b": {"type": "number"}, "p": {"$ref": "#/$defs/B"}}, **{"$defs": {"B": base}}
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"type": "object", "properties": {"child": {"$ref": "#"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}},
        {
            "type": "object",
            "properties": {"n": {"$ref": "#/$defs/N"}},
            "$defs": {
                "N": {
                    "type": "object",
                    "properties": {"c": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]}},
                }
            },
        },
        {
            "allOf": [{"$ref": "#/$defs/A"}],
            "$defs": {"A": {"properties": {"p": {"allOf": [{"$ref": "#/$defs/A"}]}}}},
        },
    ],
)
def test_recursion_is_refused_with_its_reason(schema: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="refers to itself through") as caught:
        output_schema(schema)

    assert caught.value.code == "unsupported_value"


# Unions and `allOf`


def test_all_of_is_merged() -> None:
    result = output_schema(
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"$ref": "#/$defs/B"},
                {"description": "both"},
            ],
            "$defs": {"B": {"properties": {"a": {"enum": ["x", 1]}, "b": {"type": "null"}}}},
        }
    )

    assert result.schema == closed(
        {"a": {"enum": ["x"], "type": "string"}, "b": {"type": "null"}},
        required=["a"],
        description="both",
    )
    assert result.notes == ()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"type": "number"}, {"type": "integer"}, {"type": "integer"}),
        (
            {"type": "string", "enum": ["a", "b"]},
            {"enum": ["b"]},
            {"type": "string", "enum": ["b"]},
        ),
        (
            {"type": "integer", "minimum": 1, "maximum": 9},
            {"minimum": 3, "maximum": 5},
            {"type": "integer", "description": "{minimum: 3, maximum: 5}"},
        ),
        (
            {"type": "string", "pattern": "a"},
            {"pattern": "b"},
            {"type": "string", "description": '{allOf: [{"pattern": "b"}]}\n\n{pattern: "a"}'},
        ),
        (
            {"type": "string", "description": "one"},
            {"description": "two", "title": "t"},
            {"type": "string", "description": "one\n\ntwo", "title": "t"},
        ),
        (
            {"type": "array", "items": {"type": ["string", "null"]}},
            {"items": {"type": "string"}},
            {"type": "array", "items": {"type": "string"}},
        ),
        ({"const": 1}, {"const": 1}, {"const": 1}),
        (
            {"type": "string", "description": 5, "title": "x", "pattern": "a"},
            {"description": "d", "title": "y", "pattern": "a"},
            {"type": "string", "description": 'd\n\n{pattern: "a"}', "title": "x"},
        ),
        (
            {"type": "string", "description": "d"},
            {"description": "d"},
            {"type": "string", "description": "d"},
        ),
        ({"type": "string"}, True, {"type": "string"}),
        ({"$ref": "#/$defs/any"}, {"type": "null"}, {"type": "null"}),
        (
            {"type": "object", "properties": {"x": {"type": "string"}}},
            {"properties": {"x": {"type": "string"}, "y": True}, "required": ["x"]},
            closed({"x": {"type": "string"}, "y": {"anyOf": SCALARS}}, required=["x"]),
        ),
        (
            {"type": "object", "additionalProperties": True},
            {"additionalProperties": {"type": "null"}},
            closed({}, description='{additionalProperties: {"type": "null"}}'),
        ),
        (
            {"type": "object", "additionalProperties": {"type": "null"}},
            {"additionalProperties": True},
            closed({}, description='{additionalProperties: {"type": "null"}}'),
        ),
        (
            {"type": "object", "additionalProperties": {"type": "null"}},
            {"additionalProperties": False},
            closed({}),
        ),
        (
            {"type": "object", "additionalProperties": {"enum": [1]}},
            {"additionalProperties": {"enum": [1, 2]}},
            closed(
                {},
                description='{additionalProperties: {"allOf": [{"enum": [1]}, {"enum": [1, 2]}]}}',
            ),
        ),
    ],
)
def test_keywords_of_all_of_combine(
    first: dict[str, Any], second: dict[str, Any], expected: dict[str, Any]
) -> None:
    schema = {"allOf": [first, second]}

    assert rewritten_property(schema, **{"$defs": {"any": True}})[0] == expected


def test_closed_parts_of_all_of_are_one_closed_object_with_a_note() -> None:
    parts = [closed({"x": {"type": "null"}}), closed({"y": {"type": "null"}})]

    result, notes = rewritten_property({"allOf": parts})

    assert result == closed({"x": {"type": "null"}, "y": {"type": "null"}})
    assert notes == ("`a`: the parts of `allOf` were taken to close their sum, not each",)


def test_what_stands_beside_a_union_goes_into_each_alternative() -> None:
    result, notes = rewritten_property(
        {
            "type": "object",
            "properties": {"x": {"type": "string"}, "y": {"type": "string"}},
            "anyOf": [{"required": ["x"]}, {"required": ["y"]}],
            "description": "x or y",
        }
    )

    properties = {"x": {"type": "string"}, "y": {"type": "string"}}
    assert result == {
        "anyOf": [closed(properties, required=["x"]), closed(properties, required=["y"])],
        "description": "x or y",
    }
    assert notes == ()


def test_a_discriminated_union_is_exclusive_and_needs_no_note() -> None:
    cat, dog = (closed({"kind": {"const": kind}}, required=["kind"]) for kind in ("cat", "dog"))
    mapping = {"propertyName": "kind", "mapping": {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}}

    result, notes = rewritten_property(
        {
            "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
            "discriminator": mapping,
        },
        **{"$defs": {"Cat": cat, "Dog": dog}},
    )

    assert result == {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    assert notes == ()


# Roots


@pytest.mark.parametrize(
    ("schema", "inner"),
    [
        ({"type": "array", "items": {"type": "integer"}}, None),
        ({"type": "string", "title": "T"}, None),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ({"enum": ["a", "b"]}, None),
        ({"type": ["object", "null"], "properties": {}}, {"anyOf": [closed({}), {"type": "null"}]}),
    ],
)
def test_a_root_that_is_no_object_is_wrapped(schema: dict[str, Any], inner: Any) -> None:
    result = output_schema(schema)

    assert result.wrapped == WRAPPED_OUTPUT
    assert result.schema == closed({WRAPPED_OUTPUT: inner or schema}, required=[WRAPPED_OUTPUT])
    assert result.notes == ()


def test_definitions_stay_at_the_root_of_a_wrapped_schema() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": closed({})}}

    result = output_schema(schema).schema

    assert result["$defs"] == {"A": closed({})}
    assert "$defs" not in result["properties"][WRAPPED_OUTPUT]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({}, "does not say what it describes"),
        ({"description": "an answer"}, "does not say what it describes"),
        ({"type": "object"}, "lists no keys"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "lists no keys"),
        (None, "must be an object"),
        ([], "must be an object"),
        (True, "must be an object"),
        ({"type": "text"}, "`type` must be one or more of object, array"),
        ({"type": []}, "`type` must be one or more of"),
        ({"$ref": "https://example.com/s.json"}, "does not point into the schema itself"),
        ({"$ref": "#/$defs/Missing"}, "leads to no schema"),
        ({"$ref": 3}, "`\\$ref` must be a string"),
        ({"anyOf": []}, "`anyOf` must be a list of schemas"),
        ({"allOf": {}}, "`allOf` must be a list of schemas"),
        ({"enum": []}, "no value of `enum` or `const` is allowed"),
        ({"enum": "a"}, "`enum` must be a list"),
        ({"type": "string", "const": 1}, "no value of `enum` or `const` is allowed"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "no value has both types"),
        ({"allOf": [{"type": "string"}, False]}, "the schema allows no value"),
        ({"allOf": [{"enum": [1]}, {"enum": [2]}]}, "no value is in both `enum` lists"),
        ({"allOf": [{"enum": [1]}, {"enum": 1}]}, "`enum` must be a list"),
        ({"allOf": [{"const": 1}, {"const": True}]}, "no value equals both `const`"),
        ({"allOf": [{"minimum": 1}, {"minimum": "2"}]}, "bounds must be numbers"),
        ({"$ref": "#/x/1", "x": [{"type": "null"}]}, "leads to no schema"),
        ({"$ref": "#/x", "x": [{"type": "null"}]}, "leads to no schema"),
        ({"anyOf": [False, {"enum": []}]}, "no alternative of `anyOf` can be satisfied"),
        (closed({"a": False}, required=["a"]), "`a`: required, but no value is allowed"),
    ],
)
def test_what_cannot_be_sent_is_refused(schema: Any, message: str) -> None:
    with pytest.raises(Refusal, match=message) as caught:
        output_schema(schema, param="response_format.json_schema.schema")

    assert caught.value.param == "response_format.json_schema.schema"
    assert caught.value.status == 400


# Bounds


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = closed({"a": schema})
    return schema


def test_forty_levels_of_objects_pass() -> None:
    assert output_schema(nested(40)).schema == nested(40)


@pytest.mark.parametrize("levels", [60, 5_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    with pytest.raises(Refusal, match="nested"):
        output_schema(nested(levels))


def test_a_caller_deep_in_its_own_stack_gets_a_refusal_too() -> None:
    def call(frames: int) -> None:
        if frames:
            call(frames - 1)
        else:
            output_schema(nested(40))

    with pytest.raises(Refusal, match="nested too deeply"):
        call(sys.getrecursionlimit() - len(inspect.stack()) - 60)


@pytest.mark.parametrize(
    "link",
    [
        lambda reference: closed({"a": reference}),
        lambda reference: {"allOf": [reference, {"title": "t"}]},
    ],
)
def test_a_long_chain_of_references_is_refused(link: Any) -> None:
    chain = {f"D{i}": link({"$ref": f"#/$defs/D{i + 1}"}) for i in range(200)}
    chain["D200"] = {"type": "string"}

    with pytest.raises(Refusal, match="nested too deeply"):
        output_schema(closed({"a": {"$ref": "#/$defs/D0"}}, **{"$defs": chain}))


def test_a_schema_that_doubles_at_each_reference_is_refused_in_time() -> None:
    bombs: dict[str, Any] = {
        f"D{i}": {"allOf": [{"$ref": f"#/$defs/D{i + 1}"}] * 2} for i in range(40)
    }
    bombs["D40"] = closed({"a": {"type": "string", "description": "x" * 1_000}})
    started = time.perf_counter()

    with pytest.raises(Refusal, match="too large"):
        output_schema({"$ref": "#/$defs/D0", "$defs": bombs})

    assert time.perf_counter() - started < 20


def test_notes_are_bounded_and_say_how_many_are_left_out() -> None:
    schema = closed({f"k{i:02}": {"type": "integer", "minimum": i} for i in range(50)})

    notes = output_schema(schema).notes

    assert len(notes) == 20
    assert notes[-1] == "… and 31 more"


def test_long_names_are_cut_in_notes() -> None:
    [note] = output_schema(closed({"k" * 500: {"type": "integer", "minimum": 1}})).notes

    assert len(note) < 200


@needs_recordings
def test_each_schema_that_the_api_was_seen_to_accept_passes_as_it_is() -> None:
    seen = 0
    for recording in recordings():
        body = recording.request_body if recording.api == "anthropic" else None
        if not isinstance(body, dict) or recording.status != 200:
            continue
        form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        schema = form.get("schema")
        if schema is None or schema.get("type") != "object" or "anyOf" in json.dumps(schema):
            continue
        result = output_schema(schema)
        expected = {key: value for key, value in schema.items() if key != "$schema"}
        assert (result.schema, result.notes) == (expected, ()), str(recording)
        seen += 1
    assert seen > 20
