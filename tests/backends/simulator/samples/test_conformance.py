"""The check of a value against a schema, held against the jsonschema library."""

from __future__ import annotations

import jsonschema
import pytest

from claif_cla.backends.simulator.samples.conformance import conforms, equal, resolve, type_of

VALUES = [
    None, True, False, 0, 1, 1.0, 2.5, -3, "", "abc", "x1", [], [1], [1, 1], [1, "a"], [True, 1],
    {}, {"a": 1}, {"a": "x", "b": 2}, {"x1": 5, "long name": None}, [{"a": 1}, {"a": 1.0}],
]  # fmt: skip
SCHEMAS = [
    True, False, {},
    {"type": "integer"}, {"type": "number"}, {"type": ["string", "null"]}, {"type": "object"},
    {"const": 1}, {"const": True}, {"enum": [1, "abc", None]}, {"enum": [[1], {"a": 1}]},
    {"minimum": 1}, {"exclusiveMinimum": 1}, {"maximum": 1}, {"exclusiveMaximum": 1},
    {"multipleOf": 2}, {"multipleOf": 0.5},
    {"minLength": 2}, {"maxLength": 2}, {"pattern": "^[a-z]"},
    {"minItems": 1}, {"maxItems": 1}, {"uniqueItems": True}, {"items": {"type": "integer"}},
    {"prefixItems": [{"type": "integer"}], "items": False}, {"contains": {"const": 1}},
    {"contains": {"const": 1}, "minContains": 2}, {"contains": {"const": 1}, "maxContains": 1},
    {"contains": {"const": 1}, "minContains": 0},
    {"required": ["a"]}, {"properties": {"a": {"type": "integer"}}},
    {"properties": {"a": True}, "additionalProperties": False},
    {"additionalProperties": {"type": "integer"}},
    {"patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": False},
    {"minProperties": 1}, {"maxProperties": 1}, {"propertyNames": {"maxLength": 2}},
    {"dependentRequired": {"a": ["b"]}}, {"dependentSchemas": {"a": {"required": ["b"]}}},
    {"not": {"type": "string"}}, {"allOf": [{"minimum": 0}, {"maximum": 1}]},
    {"anyOf": [{"type": "string"}, {"minimum": 1}]},
    {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
    {"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "array"}},
    {"if": {"type": "string"}, "else": {"type": "array"}},
    {"$defs": {"n/m": {"type": "null"}}, "$ref": "#/$defs/n~1m"},
    {"$defs": {"l": {"anyOf": [{"type": "integer"}, {"items": {"$ref": "#/$defs/l"}}]}},
     "$ref": "#/$defs/l"},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_it_judges_as_jsonschema_does(schema):
    validator = jsonschema.Draft202012Validator(schema)
    for value in VALUES:
        assert conforms(value, schema, schema) == validator.is_valid(value), value


def test_a_reference_that_leads_nowhere_allows_anything():
    assert resolve("#/$defs/none", {}) is True
    assert resolve("https://example.com/x", {}) is True
    assert resolve("#/allOf/1", {"allOf": [1, 2]}) == 2


def test_endless_references_end():
    schema = {"$ref": "#"}
    assert not conforms(1, schema, schema)


def test_json_equality_and_types():
    assert equal(1, 1.0)
    assert not equal(1, True)
    assert equal({"a": [1]}, {"a": [1.0]})
    assert not equal([1], [1, 2])
    assert [type_of(v) for v in (None, True, 1, 1.5, "", [], {})] == (
        ["null", "boolean", "integer", "number", "string", "array", "object"]
    )
