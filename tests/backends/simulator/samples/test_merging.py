"""Two schemas as one."""

from __future__ import annotations

import pytest

from claif_cla.backends.simulator.samples.merging import merged


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (True, {"type": "string"}, {"type": "string"}),
        ({"type": "string"}, True, {"type": "string"}),
        ({"type": "string"}, False, False),
        ({"minimum": 1}, {"minimum": 3}, {"minimum": 3}),
        ({"maxLength": 9}, {"maxLength": 3}, {"maxLength": 3}),
        ({"type": ["string", "null"]}, {"type": "string"}, {"type": ["string"]}),
        ({"type": "number"}, {"type": "integer"}, {"type": ["integer"]}),
        ({"enum": [1, 2, 3]}, {"enum": [3, 1]}, {"enum": [1, 3]}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"uniqueItems": False}, {"uniqueItems": True}, {"uniqueItems": True}),
        ({"multipleOf": 2}, {"multipleOf": 3}, {"multipleOf": 6}),
        ({"multipleOf": 2}, {"multipleOf": 2}, {"multipleOf": 2}),
        (
            {"items": {"minimum": 1}},
            {"items": {"maximum": 2}},
            {"items": {"minimum": 1, "maximum": 2}},
        ),
        (
            {"properties": {"a": {"minimum": 1}}},
            {"properties": {"a": {"minimum": 2}, "b": True}},
            {"properties": {"a": {"minimum": 2}, "b": True}},
        ),
        ({"title": "one"}, {"title": "other"}, {"title": "other"}),
    ],
)
def test_keywords_are_combined(one, other, both):
    assert merged(one, other) == both


def test_neither_schema_is_changed():
    one, other = {"properties": {"a": {"minimum": 1}}}, {"properties": {"a": {"minimum": 2}}}
    merged(one, other)
    assert (one, other) == (
        {"properties": {"a": {"minimum": 1}}},
        {"properties": {"a": {"minimum": 2}}},
    )
