"""Older and sloppy JSON Schema brought to draft 2020-12, the one that Anthropic reads.

`upgrade` changes only what 2020-12 would not take or would read otherwise, and copies what it
changes: everything else is the caller's own value, untouched. It also bounds the depth, so that
the passes after it may recurse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from claif_cla.translate.schema.notes import Notes, Unusable, shown

__all__ = ["MAX_JSON_DEPTH", "TYPES", "check_depth", "child_path", "upgrade"]

MAX_JSON_DEPTH = 100
"""Nesting of the JSON text, some forty levels of objects; OpenAI itself stops at ten. It keeps
every recursion over a schema far from Python's limit of 1,000 frames."""

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")

_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = (
    "items",
    "additionalProperties",
    "additionalItems",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)


def check_depth(value: Any) -> None:
    """Raise `Unusable` on JSON nested deeper than `MAX_JSON_DEPTH`."""
    level: list[Any] = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise Unusable(f"the schema is nested deeper than {MAX_JSON_DEPTH} levels; flatten it")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def child_path(path: str, keyword: str, name: str = "") -> str:
    """Where a subschema applies, as readers of the answer would write it: `user.tags[]`."""
    if keyword in {"properties", "patternProperties", "dependentSchemas"}:
        return f"{path}.{name}" if path else name
    if keyword in {"$defs", "definitions"}:
        return f"{keyword}.{name}"
    if keyword in {"items", "prefixItems", "contains", "additionalItems", "unevaluatedItems"}:
        return f"{path}[]"
    if keyword in {"additionalProperties", "unevaluatedProperties"}:
        return f"{path}.*" if path else "*"
    return path


def upgrade(schema: Mapping[str, Any], notes: Notes, path: str = "") -> dict[str, Any]:
    """`schema` in draft 2020-12.

    Args:
        schema: a JSON schema of any draft, no deeper than `MAX_JSON_DEPTH`.
        notes: told about every repair that might surprise.
        path: where the schema applies.

    Returns:
        A new dict. Repaired are draft 3 and 4 (`exclusiveMinimum: true`, `required: true`,
        `items: [...]`), `required` that is no list of strings, types in capitals, and things
        that are no schema where one must stand.
    """
    node = dict(schema)
    _type_name(node)
    _bounds(node, notes, path)
    _tuple_items(node, notes, path)
    _required(node, notes, path)
    for keyword in _NAMED:
        if keyword in node:
            _named(node, keyword, notes, path)
    for keyword in _LISTED:
        if isinstance(node.get(keyword), list):
            below = child_path(path, keyword)
            node[keyword] = [_schema(item, notes, below) for item in node[keyword]]
    for keyword in _SINGLE:
        if keyword in node:
            node[keyword] = _schema(node[keyword], notes, child_path(path, keyword))
    return node


def _schema(value: Any, notes: Notes, path: str) -> Any:
    """A subschema; in place of what is none, the likeliest meaning."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return upgrade(value, notes, path)
    notes.add(f"{shown(path)}: replaced a value that is no JSON schema")
    if isinstance(value, str):
        return {"type": value} if value in TYPES else {"description": value}
    return {}


def _named(node: dict[str, Any], keyword: str, notes: Notes, path: str) -> None:
    given = node[keyword]
    if not isinstance(given, Mapping):
        notes.add(f"{shown(path)}: replaced `{keyword}`, which is no object")
        node[keyword] = {}
        return
    inner: dict[str, Any] = {}
    demanded: list[str] = []
    for name, value in given.items():
        # Draft 3 says `required: true` on the property itself.
        if keyword == "properties" and isinstance(value, Mapping) and value.get("required") is True:
            demanded.append(name)
        inner[name] = _schema(value, notes, child_path(path, keyword, name))
    node[keyword] = inner
    if demanded:
        listed = node.get("required", [])
        node["required"] = [*listed, *(name for name in demanded if name not in listed)]


def _type_name(node: dict[str, Any]) -> None:
    # Google's dialect of OpenAPI writes types in capitals.
    given = node.get("type")
    if isinstance(given, str) and given not in TYPES and given.lower() in TYPES:
        node["type"] = given.lower()
    elif "type" in node and given is None:
        del node["type"]


def _bounds(node: dict[str, Any], notes: Notes, path: str) -> None:
    for exclusive, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        given = node.get(exclusive)
        if not isinstance(given, bool):
            continue
        del node[exclusive]
        bound = node.get(plain)
        if given and isinstance(bound, (int, float)) and not isinstance(bound, bool):
            node[exclusive] = node.pop(plain)
        notes.add(f"{shown(path)}: `{exclusive}: {str(given).lower()}` of draft 4 was upgraded")


def _tuple_items(node: dict[str, Any], notes: Notes, path: str) -> None:
    given = node.get("items")
    if not isinstance(given, list):
        return
    del node["items"]
    if given:
        node["prefixItems"] = given
    if "additionalItems" in node:
        node["items"] = node.pop("additionalItems")
    notes.add(f"{shown(path)}: a list in `items`, as of draft 4, became `prefixItems`")


def _required(node: dict[str, Any], notes: Notes, path: str) -> None:
    if "required" not in node:
        return
    given = node["required"]
    listed = [given] if isinstance(given, str) else given
    if isinstance(listed, list):
        listed = [name for name in listed if isinstance(name, str)]
        if listed == given:
            return
        node["required"] = listed
    else:
        del node["required"]
    notes.add(f"{shown(path)}: `required` was no list of names and was repaired")
