"""Whatever the schema, the value is valid; judged by the jsonschema library."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claif_cla.backends.simulator.samples.conformance import conforms
from claif_cla.backends.simulator.samples.instances import make_instance

NAMES = st.sampled_from(["a", "b", "c", "name", "items"])
SMALL = st.integers(-5, 20)


def valid(value, schema):
    return jsonschema.Draft202012Validator(schema).is_valid(value)


@st.composite
def strings(draw):
    schema = {"type": "string"}
    kind = draw(st.sampled_from(["plain", "length", "format", "pattern"]))
    if kind == "length":
        low = draw(st.integers(0, 12))
        schema |= {"minLength": low, "maxLength": low + draw(st.integers(0, 12))}
    elif kind == "format":
        schema["format"] = draw(st.sampled_from(["date", "uuid", "email", "ipv4", "odd"]))
    elif kind == "pattern":
        schema["pattern"] = draw(
            st.sampled_from(
                [
                    r"^[A-Z]{3}-\d{2,4}$",
                    r"^(foo|bar)+$",
                    r"x[^a-z]y",
                    r"^\w+@\w+\.com$",
                    "",
                    r"^.{5}$",
                ]
            )
        )
    return schema


@st.composite
def numbers(draw):
    schema = {"type": draw(st.sampled_from(["integer", "number"]))}
    low = draw(st.one_of(st.none(), SMALL))
    if low is not None:
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = (low or 0) + draw(
            st.integers(12, 30)
        )
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 5, 0.5]))
    return schema


def containers(inner):
    return st.one_of(
        st.builds(
            lambda properties, extra, count: {
                "type": "object",
                "properties": properties,
                "required": [name for i, name in enumerate(properties) if (count >> i) & 1],
                **extra,
            },
            st.dictionaries(NAMES, inner, max_size=4),
            st.sampled_from(
                [
                    {},
                    {"additionalProperties": False},
                    {"additionalProperties": {"type": "integer"}},
                    {"additionalProperties": True, "minProperties": 3},
                ]
            ),
            st.integers(0, 15),
        ),
        st.builds(
            lambda items, extra: {"type": "array", "items": items, **extra},
            inner,
            st.sampled_from([{}, {"minItems": 3}, {"maxItems": 0}, {"minItems": 2, "maxItems": 2}]),
        ),
        st.builds(
            lambda items: {"type": "array", "prefixItems": items}, st.lists(inner, max_size=3)
        ),
        st.builds(lambda branches: {"anyOf": branches}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: {"allOf": [one, {"description": "same"}]}, inner),
        st.builds(lambda one: {"oneOf": [one, {"const": "the other"}]}, inner),
        st.builds(
            lambda one: {"$defs": {"it": one}, "$ref": "#/$defs/it"},
            st.sampled_from([{"type": "string"}]),
        ),
    )


SCALARS = st.one_of(
    strings(),
    numbers(),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({}),
    st.builds(lambda v: {"const": v}, st.one_of(st.text(max_size=5), SMALL, st.none())),
    st.builds(lambda v: {"enum": v}, st.lists(SMALL, min_size=1, max_size=4)),
    st.builds(
        lambda v: {"type": v},
        st.lists(st.sampled_from(["string", "null", "integer"]), min_size=1, unique=True),
    ),
)
SCHEMAS = st.recursive(SCALARS, containers, max_leaves=12)


def without_defs(schema):
    """References are to the root, so definitions must not be moved below it."""
    return "$ref" not in json.dumps(schema) or "$ref" in schema


@given(SCHEMAS.filter(without_defs))
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_the_value_is_valid(schema):
    value = make_instance(schema)
    assert valid(value, schema), value


@given(SCHEMAS.filter(without_defs), SCHEMAS.filter(without_defs))
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_conformance_agrees_with_jsonschema(one, other):
    value = make_instance(one)
    assert conforms(value, other, other) == valid(value, other)


@given(SCHEMAS.filter(without_defs))
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_the_value_never_varies(schema):
    assert make_instance(schema) == make_instance(json.loads(json.dumps(schema)))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}, "minItems": 4, "uniqueItems": True},
        {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
        {"type": "array", "items": {"type": "integer"}, "minItems": 5, "uniqueItems": True},
        {
            "type": "array",
            "items": {"type": "object", "properties": {"id": {"type": "integer"}}},
            "minItems": 3,
            "uniqueItems": True,
        },
        {"type": "array", "contains": {"const": 7}, "minItems": 2},
        {"if": {"type": "string"}, "then": {"minLength": 30}, "else": {"minimum": 100}},
        {"not": {"type": ["string", "object"]}},
        {"type": "integer", "not": {"const": 1}},
        {"type": "object", "minProperties": 4},
        {
            "type": "object",
            "minProperties": 3,
            "properties": {"a": {"type": "integer"}},
            "additionalProperties": {"type": "boolean"},
        },
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]},
            ]
        },
        {
            "properties": {"kind": {"type": "string"}},
            "required": ["kind"],
            "oneOf": [
                {"properties": {"kind": {"const": "cat"}}},
                {"properties": {"kind": {"const": "dog"}, "bark": {"type": "boolean"}}},
            ],
        },
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
        {"type": "number", "minimum": 0.15, "maximum": 0.35, "multipleOf": 0.25},
        {"type": "string", "pattern": r"^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$"},
        {"type": "string", "minLength": 5, "pattern": "^a+$"},
        {"type": "string", "default": "given", "minLength": 3},
        {"type": "string", "default": "x", "minLength": 3},
        {"dependentRequired": {"a": ["b"]}, "type": "object", "properties": {"a": {"const": 1}}},
        True,
    ],
)
def test_hard_schemas_are_met(schema):
    assert valid(make_instance(schema), schema)


def test_a_recursive_type_ends():
    schema = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["value", "children", "next"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    }
    value = make_instance(schema)
    assert valid(value, schema)
    assert len(json.dumps(value)) < 20_000


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "pattern": "(a|b)*(c"},
        {"enum": []},
    ],
)
def test_what_nothing_meets_still_ends(schema):
    json.dumps(make_instance(schema))


def test_properties_name_their_sample_text():
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert make_instance(schema) == {"city": "city"}


def test_examples_and_defaults_come_first():
    schema = {"type": "string", "examples": ["Paris"]}
    assert make_instance(schema) == "Paris"
    assert make_instance({"type": "integer", "default": 42}) == 42
