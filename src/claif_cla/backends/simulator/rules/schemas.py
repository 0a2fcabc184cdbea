"""Rules about JSON schemas: valid ones for tools, the compilable subset for strict output.

The subset is the one that the anthropic SDK 2.12 transforms schemas into
(`lib/_parse/_transform.py`) and that the structured outputs documentation lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.rules.shapes import fail

__all__ = ["check_closed_schema", "check_schema", "complexity"]

_MAX_DEPTH = 100
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_NUMERIC = ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf")
_UNSUPPORTED: Mapping[str, tuple[str, ...]] = {
    "array": ("contains", "maxContains", "maxItems", "minContains", "prefixItems", "uniqueItems"),
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "object": (
        "dependentRequired",
        "dependentSchemas",
        "maxProperties",
        "minProperties",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
    ),
    "string": ("maxLength", "minLength"),
}
_UNSUPPORTED_ANYWHERE = ("else", "if", "not", "oneOf", "then")
_FORMATS = frozenset("date-time time date duration email hostname uri ipv4 ipv6 uuid".split())
_SHAPED = ("type", "$ref", "anyOf", "allOf", "enum", "const")


def _subschemas(schema: Mapping[str, Any]) -> Iterator[Any]:
    for name in ("$defs", "definitions", "properties", "patternProperties", "dependentSchemas"):
        if isinstance(schema.get(name), dict):
            yield from schema[name].values()
    for name in ("allOf", "anyOf", "oneOf", "prefixItems"):
        if isinstance(schema.get(name), list):
            yield from schema[name]
    for name in ("additionalProperties", "contains", "else", "if", "items", "not", "then"):
        if isinstance(schema.get(name), dict):
            yield schema[name]


def _walk(schema: Any, path: str, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > _MAX_DEPTH:
        fail(path, "Schema is too complex: nested too deeply")
    if isinstance(schema, dict):
        yield schema
        for inner in _subschemas(schema):
            yield from _walk(inner, path, depth + 1)


def check_schema(schema: Mapping[str, Any], path: str) -> None:
    """A schema must be valid JSON Schema draft 2020-12, as far as its own keywords go."""
    for node in _walk(schema, path):
        if not _is_valid(node):
            fail(
                path,
                "JSON schema is invalid. It must match JSON Schema draft 2020-12 "
                "(https://json-schema.org/draft/2020-12).",
            )


def _is_valid(node: Mapping[str, Any]) -> bool:
    kinds = node.get("type", [])
    names = kinds if isinstance(kinds, list) else [kinds]
    required = node.get("required", [])
    return (
        all(isinstance(name, str) and name in _TYPES for name in names)
        and isinstance(required, list)
        and all(isinstance(name, str) for name in required)
        and isinstance(node.get("enum", []), list)
        and isinstance(node.get("properties", {}), dict)
        and all(isinstance(node.get(name, []), list) for name in ("allOf", "anyOf", "oneOf"))
        and not any(isinstance(node.get(name), (bool, str)) for name in _NUMERIC)
        and isinstance(node.get("items", {}), (dict, bool))
    )


def check_closed_schema(schema: Mapping[str, Any], path: str) -> None:
    """The subset that can be compiled into a grammar."""
    for node in _walk(schema, path):
        for name in _UNSUPPORTED_ANYWHERE:
            if name in node:
                fail(path, f"Schema type '{name}' is not supported")
        if not any(name in node for name in _SHAPED):
            fail(path, "Schema must have a 'type', 'anyOf', 'allOf', 'enum', 'const' or '$ref'")
        kinds = node.get("type", [])
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            _check_kind(node, kind, path)
        _check_combination(node, path)
    _check_references(schema, path)


def _check_kind(node: Mapping[str, Any], kind: str, path: str) -> None:
    if kind == "object" and node.get("additionalProperties") is not False:
        fail(path, "For 'object' type, 'additionalProperties' must be explicitly set to false")
    if kind == "array" and node.get("minItems", 0) not in (0, 1):
        fail(path, "For 'array' type, 'minItems' values other than 0 or 1 are not supported")
    if kind == "string" and node.get("format") not in (None, *_FORMATS):
        fail(path, f"For 'string' type, format '{node['format']}' is not supported")
    found = [name for name in _UNSUPPORTED.get(kind, ()) if name in node]
    if found:
        fail(path, f"For '{kind}' type, properties {', '.join(found)} are not supported")


def _check_combination(node: Mapping[str, Any], path: str) -> None:
    branches = node.get("allOf") or ()
    if any(isinstance(branch, dict) and "$ref" in branch for branch in branches):
        fail(path, "'allOf' with '$ref' is not supported")


def _check_references(root: Mapping[str, Any], path: str) -> None:
    """References stay inside the schema, resolve, and never lead back to themselves."""
    definitions = {
        f"#/{section}/{name}": node
        for section in ("$defs", "definitions")
        for name, node in (root.get(section) or {}).items()
    }
    edges: dict[str, set[str]] = {}
    for start, schema in {"": {**root, "$defs": {}, "definitions": {}}, **definitions}.items():
        targets = {str(node["$ref"]) for node in _walk(schema, path) if "$ref" in node}
        for target in sorted(targets):
            if not target.startswith("#"):
                fail(path, f"External schema reference '{target}' is not supported")
            if target not in definitions and target != "#":
                fail(path, f"Schema reference '{target}' could not be resolved")
        edges[start] = {"" if target == "#" else target for target in targets}
    while leaves := [name for name, targets in edges.items() if not targets & edges.keys()]:
        for name in leaves:
            del edges[name]
    if edges:
        raise Rejection(f"{path}: Recursive schemas are not supported")


def complexity(schema: Mapping[str, Any]) -> tuple[int, int]:
    """How many optional and how many union-typed parameters a schema has."""
    optional = unions = 0
    for node in _walk(schema, ""):
        properties = node.get("properties") or {}
        optional += len(set(properties) - set(node.get("required") or ()))
        unions += sum(
            isinstance(inner, dict) and ("anyOf" in inner or isinstance(inner.get("type"), list))
            for inner in properties.values()
        )
    return optional, unions
