"""The vocabulary of JSON Schema: which keyword says what, about which values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from claif_cla.translate.schema.draft import TYPES
from claif_cla.translate.schema.notes import Unusable, shown

__all__ = [
    "ASSERTIONS",
    "CARRIED",
    "FORMATS",
    "SCALARS",
    "SILENT",
    "TYPED_WORDS",
    "WORDS_OF",
    "declared_types",
    "fits",
    "identity",
    "implied_types",
    "listed",
    "literal_set",
    "neutral",
    "nullable",
    "ordered",
    "relevant",
]

_OBJECT_WORDS = frozenset(
    {
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "unevaluatedProperties",
    }
)
_ARRAY_WORDS = frozenset(
    {
        "items",
        "prefixItems",
        "additionalItems",
        "minItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "maxContains",
        "unevaluatedItems",
    }
)
_STRING_WORDS = frozenset({"minLength", "maxLength", "pattern", "format"})
_NUMBER_WORDS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
)
WORDS_OF: Mapping[str, frozenset[str]] = {
    "object": _OBJECT_WORDS,
    "array": _ARRAY_WORDS,
    "string": _STRING_WORDS,
    "integer": _NUMBER_WORDS | {"format"},
    "number": _NUMBER_WORDS | {"format"},
    "boolean": frozenset(),
    "null": frozenset(),
}
"""The keywords that say something about values of each type."""


FORMATS = frozenset(
    {
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "uri",
        "ipv4",
        "ipv6",
        "uuid",
    }
)
"""The values of `format` that are enforced; from the anthropic SDK, `_transform.py`."""

_ORDER = (
    "$ref",
    "anyOf",
    "type",
    "enum",
    "const",
    "title",
    "description",
    "format",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "$defs",
)

CARRIED = frozenset({"title", "description"})
"""The annotations that stay as they are."""

SILENT = frozenset(
    {
        "$schema",
        "$id",
        "id",
        "$anchor",
        "$dynamicAnchor",
        "$vocabulary",
        "$comment",
        "$defs",
        "definitions",
        "discriminator",
        "nullable",
    }
)
"""Keywords that say nothing about the answer and are left out without a word. `discriminator` is
OpenAPI's hint to parsers; the `const` of each alternative does the work."""

TYPED_WORDS = frozenset[str]().union(*WORDS_OF.values())
ASSERTIONS = TYPED_WORDS | frozenset(
    {
        "type",
        "enum",
        "const",
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "$dynamicRef",
        "$recursiveRef",
    }
)
"""The keywords that decide what validates; all others only describe."""
SCALARS = ("string", "number", "boolean", "null")


def identity(value: Any) -> str:
    """Equal for values that are equal in JSON (in Python `1 == True`)."""
    return json.dumps(value, sort_keys=True)


def declared_types(schema: Mapping[str, Any], path: str) -> tuple[str, ...] | None:
    """The types of the `type` keyword, each once; None if there is none.

    Raises:
        Unusable: if it names no JSON type.
    """
    if "type" not in schema:
        return None
    given = schema["type"]
    listed = given if isinstance(given, list) else [given]
    types = tuple(dict.fromkeys(item for item in listed if isinstance(item, str)))
    if not types or len(types) > len(TYPES) or any(item not in TYPES for item in types):
        raise Unusable(f"{shown(path)}: `type` must be one or more of {', '.join(TYPES)}")
    return tuple(item for item in types if item != "integer" or "number" not in types)


def implied_types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that the keywords speak about when `type` is missing; may be empty."""
    groups = {
        "object": _OBJECT_WORDS,
        "array": _ARRAY_WORDS,
        "string": _STRING_WORDS,
        "number": _NUMBER_WORDS,
    }
    return tuple(kind for kind, words in groups.items() if words & schema.keys())


def fits(value: Any, types: tuple[str, ...]) -> bool:
    """Whether a literal is of one of the types."""
    kinds = {
        "object": isinstance(value, Mapping),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "null": value is None,
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
    }
    kinds["integer"] = kinds["number"] and (isinstance(value, int) or value.is_integer())
    return any(kinds[name] for name in types)


def relevant(
    node: Mapping[str, Any], kinds: Sequence[str], without: AbstractSet[str]
) -> dict[str, Any]:
    """`node` less the keywords that say nothing about values of these types."""
    speaking = frozenset[str]().union(*(WORDS_OF[kind] for kind in kinds))
    return {
        key: value
        for key, value in node.items()
        if key not in without and (key not in TYPED_WORDS or key in speaking)
    }


def neutral(keyword: str, value: Any, out: Mapping[str, Any]) -> bool:
    """Whether losing the keyword loses nothing: `uniqueItems: false`, a format of numbers."""
    if keyword == "format":
        return out.get("type") != "string"
    return value is False or (value == 0 and keyword.startswith("min") and keyword != "minimum")


def listed(node: Mapping[str, Any], keyword: str, path: str) -> list[Any]:
    """The schemas of a combinator. Raises `Unusable` if there are none."""
    given = node[keyword]
    if not isinstance(given, list) or not given:
        raise Unusable(f"{shown(path)}: `{keyword}` must be a list of schemas, with one at least")
    return given


def nullable(node: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    rest = {key: value for key, value in node.items() if key != "nullable"}
    if node["nullable"] is not True or not ASSERTIONS & rest.keys():
        return rest
    if "type" in rest and not rest.keys() & {"$ref", "anyOf", "oneOf", "allOf", "const"}:
        types = rest["type"] if isinstance(rest["type"], list) else [rest["type"]]
        rest["type"] = types if "null" in types else [*types, "null"]
        if isinstance(rest.get("enum"), list) and None not in rest["enum"]:
            rest["enum"] = [*rest["enum"], None]
        return rest
    outer = {key: rest.pop(key) for key in tuple(rest) if key not in ASSERTIONS}
    return {**outer, "anyOf": [rest, {"type": "null"}]}


def literal_set(schema: Mapping[str, Any]) -> frozenset[str]:
    """The identities of the values that `const` or `enum` allows; empty without either."""
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return frozenset(map(identity, values))


def ordered(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with its keywords in one fixed order, so that equal ones have equal bytes."""
    return {key: schema[key] for key in _ORDER if key in schema}
