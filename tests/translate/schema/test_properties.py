"""Laws of the schema rewriting, on generated schemas and on arbitrary JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from claif_cla.errors import Refusal
from claif_cla.translate.schema.convert import (
    Rewritten,
    output_schema,
    strict_tool_schema,
    tool_schema,
)

REWRITES = [output_schema, tool_schema, strict_tool_schema]

WORDS = (
    "type enum const properties required additionalProperties items prefixItems anyOf oneOf allOf "
    "not $ref $defs definitions description title format minimum minLength minItems nullable "
    "default patternProperties exclusiveMinimum additionalItems $id"
).split()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
telling_values = st.sampled_from(
    ["object", "string", "array", "integer", "#", "#/$defs/a", "#/$defs/b", "#/anyOf/0", "a"]
)


def _sloppy(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    values = (
        json_values
        | inner
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
        | telling_values
        | st.lists(telling_values, max_size=3)
    )
    return st.dictionaries(st.sampled_from(WORDS), values, max_size=5)


sloppy_schemas = st.recursive(json_values, _sloppy, max_leaves=25)

TYPES = ["object", "array", "string", "integer", "number", "boolean", "null"]
names = st.sampled_from("abc")
scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "bb"])


def _sound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": st.dictionaries(names, inner, max_size=3),
            "required": st.lists(names, max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
        },
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array")}, optional={"items": inner, "minItems": st.integers(0, 2)}
    )
    types = st.sampled_from(TYPES)
    literals = st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
            "enum": st.lists(scalars, min_size=1, max_size=3),
            "const": scalars,
            "minimum": st.integers(-1, 1),
            "description": st.just("d"),
        },
    )
    small = st.integers(0, 2)
    bounds = st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentRequired": st.dictionaries(names, st.lists(names, max_size=2), max_size=2),
            "dependentSchemas": st.dictionaries(names, inner, max_size=1),
            "patternProperties": st.dictionaries(st.just("^a"), inner, max_size=1),
            "propertyNames": inner,
            "unevaluatedProperties": st.booleans() | inner,
            "minProperties": small,
            "maxProperties": small,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "contains": inner,
            "minContains": small,
            "maxContains": small,
            "unevaluatedItems": st.booleans() | inner,
            "uniqueItems": st.booleans(),
            "maxItems": small,
            "multipleOf": st.just(2),
            "exclusiveMinimum": st.integers(-1, 1),
            "minLength": small,
            "maxLength": small,
            "pattern": st.just("^a"),
            "nullable": st.booleans(),
            "default": scalars,
        },
    )
    unions = st.dictionaries(
        st.sampled_from(["anyOf", "oneOf", "allOf"]),
        st.lists(inner, min_size=1, max_size=3),
        min_size=1,
        max_size=1,
    )
    references = st.sampled_from([{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/y"}])
    plain = objects | arrays | literals | unions | references | bounds
    beside = st.tuples(plain, unions | objects | bounds).map(lambda two: {**two[0], **two[1]})
    return plain | beside


sound_schemas = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": ["null", "string"]}, True]),
    _sound,
    max_leaves=10,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    root, x, y = draw(sound_schemas), draw(sound_schemas), draw(sound_schemas)
    if not isinstance(root, dict):
        root = {"type": "object", "properties": {"a": root}}
    return {**root, "$defs": {"x": x, "y": y}}


LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(["", "a", "bb"]),
    "integer": st.integers(-3, 3),
    "number": st.integers(-3, 3) | st.floats(-3, 3),
    "boolean": st.booleans(),
    "null": st.none(),
}


def answer(data: st.DataObject, schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """What a model held to a compiled schema may write."""
    while "$ref" in schema or "anyOf" in schema:
        if "$ref" in schema:
            schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
        else:
            schema = data.draw(st.sampled_from(schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return data.draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
    if schema["type"] == "object":
        needed = schema.get("required", [])
        return {
            name: answer(data, part, definitions)
            for name, part in schema["properties"].items()
            if name in needed or data.draw(st.booleans())
        }
    if schema["type"] == "array":
        count = data.draw(st.integers(schema.get("minItems", 0), 2))
        items = schema.get("items", {"enum": [None, True, 1, "a"]})
        return [answer(data, items, definitions) for _ in range(count)]
    return data.draw(LEAVES[schema["type"]])


def rewritten(rewrite: Any, schema: Any) -> Rewritten | None:
    try:
        result: Rewritten = rewrite(schema)
    except Refusal:
        event("refused")
        return None
    event("rewritten")
    return result


@pytest.mark.parametrize("rewrite", REWRITES)
@given(schema=sloppy_schemas)
def test_any_json_gives_a_result_or_a_refusal_and_stays_as_it_was(
    rewrite: Any, schema: Any
) -> None:
    before = json.dumps(schema)

    result = rewritten(rewrite, schema)

    assert json.dumps(schema) == before
    if result is not None:
        assert result.schema["type"] == "object"
        assert not {"anyOf", "oneOf", "allOf", "$ref"} & result.schema.keys()
        assert len(result.notes) <= 20
        assert len(set(result.notes)) == len(result.notes)
        json.dumps(result.schema)


@pytest.mark.parametrize("rewrite", REWRITES)
@given(schema=sloppy_schemas | documents())
def test_rewriting_again_changes_no_byte(rewrite: Any, schema: Any) -> None:
    result = rewritten(rewrite, schema)
    if result is None or (rewrite is strict_tool_schema and not result.strict):
        return

    again = rewrite(result.schema)

    assert json.dumps(again.schema) == json.dumps(result.schema)
    assert again.wrapped is None


@pytest.mark.parametrize("rewrite", REWRITES)
@given(schema=documents())
def test_equal_input_gives_equal_bytes(rewrite: Any, schema: Any) -> None:
    first = rewritten(rewrite, schema)
    second = rewritten(rewrite, json.loads(json.dumps(schema)))

    assert first == second
    if first is not None and second is not None:
        assert json.dumps(first.schema) == json.dumps(second.schema)


def _assert_compiled(schema: dict[str, Any]) -> None:
    """Every node holds only what the API compiles."""
    allowed = {"title", "description", "$defs"}
    if "$ref" in schema:
        assert schema.keys() == {"$ref"}
        return
    if "anyOf" in schema:
        assert schema.keys() <= allowed | {"anyOf"}
        assert len(schema["anyOf"]) > 1
    elif "enum" in schema or "const" in schema:
        assert schema.keys() <= allowed | {"enum", "const", "type"}
    elif schema["type"] == "object":
        assert schema.keys() <= allowed | {
            "type",
            "properties",
            "required",
            "additionalProperties",
        }
        assert schema["additionalProperties"] is False
        assert set(schema.get("required", [])) <= schema["properties"].keys()
    else:
        assert schema.keys() <= allowed | {"type", "items", "minItems", "format"}
        assert schema["type"] in TYPES
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    parts += schema.get("$defs", {}).values()
    parts += [schema["items"]] if "items" in schema else []
    for part in parts:
        _assert_compiled(part)


@given(schema=sloppy_schemas | documents())
def test_the_result_lies_inside_the_compiled_subset(schema: Any) -> None:
    result = rewritten(output_schema, schema)
    if result is not None:
        _assert_compiled(result.schema)
        Draft202012Validator.check_schema(result.schema)


@given(schema=documents(), data=st.data())
def test_without_notes_every_possible_answer_conforms_to_the_callers_schema(
    schema: dict[str, Any], data: st.DataObject
) -> None:
    result = rewritten(output_schema, schema)
    if result is None or result.notes:
        return

    value = answer(data, result.schema, result.schema.get("$defs", {}))

    assert Draft202012Validator(result.schema).is_valid(value)
    inner = value if result.wrapped is None else value[result.wrapped]
    assert Draft202012Validator(_in_2020_12(schema)).is_valid(inner)


@pytest.mark.parametrize("rewrite", [tool_schema, strict_tool_schema])
@given(schema=documents(), data=st.data())
def test_without_notes_what_fits_a_tool_fits_the_callers_schema(
    rewrite: Any, schema: dict[str, Any], data: st.DataObject
) -> None:
    result = rewritten(rewrite, schema)
    compiled = rewritten(output_schema, result.schema) if result and not result.notes else None
    if result is None or compiled is None or compiled.notes:
        return

    value = answer(data, compiled.schema, compiled.schema.get("$defs", {}))

    assert Draft202012Validator(_in_2020_12(result.schema)).is_valid(value)
    inner = value if result.wrapped is None else value[result.wrapped]
    assert Draft202012Validator(_in_2020_12(schema)).is_valid(inner)


def _in_2020_12(value: Any) -> Any:
    """`nullable`, which OpenAPI 3.0 has and jsonschema does not know, in its words."""
    if isinstance(value, list):
        return [_in_2020_12(item) for item in value]
    if not isinstance(value, dict):
        return value
    said = {key: _in_2020_12(item) for key, item in value.items() if key != "nullable"}
    plain = {key: item for key, item in said.items() if key != "$defs"}
    if value.get("nullable") is not True or not plain.keys() - {"default", "description"}:
        return said
    return {
        "anyOf": [plain, {"type": "null"}],
        **({"$defs": said["$defs"]} if "$defs" in said else {}),
    }
