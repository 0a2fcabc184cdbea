"""The root of a tool's input: always one plain object.

The API answers 400 for the *whole* request when a single `input_schema` has another `type`, or
`anyOf`, `oneOf` or `allOf` at its root ("input_schema does not support oneOf, allOf, or anyOf at
the top level"). So unions and references at the root are folded into one object; what is no
object is wrapped in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.translate.schema.keywords import declared_types, identity, implied_types
from claif_cla.translate.schema.merge import merge
from claif_cla.translate.schema.notes import Notes, Unusable, describe
from claif_cla.translate.schema.refs import References, references_in, tokens

__all__ = ["WRAPPED_INPUT", "ToolRoot"]

WRAPPED_INPUT = "input"
"""The one key of a wrapped input."""

_COMBINATORS = ("allOf", "anyOf", "oneOf")
_DEFINITIONS = ("$defs", "definitions")
_MAX_DEPTH = 30
_MAX_VIEWS = 2_000


class ToolRoot:
    """Brings the root of one schema into the form that `input_schema` needs.

    Args:
        schema: upgraded to draft 2020-12.
        notes: told about each change to what validates.
    """

    def __init__(self, schema: Mapping[str, Any], notes: Notes) -> None:
        self._schema = schema
        self._notes = notes
        self._references = References(schema)
        self._views = 0

    def plain(self) -> dict[str, Any] | None:
        """The schema as one plain object; None if it is none and must be wrapped."""
        into_unions = any(
            target.startswith(tuple(f"#/{word}" for word in _COMBINATORS))
            for target in references_in(self._schema)
        )
        # Folding the union away would leave such references without their target.
        return None if into_unions else self._view(self._schema, (), 0)

    def wrapped(self) -> dict[str, Any]:
        """The schema as the only, required key of an object."""
        inner = _rebased(
            {key: self._schema[key] for key in self._schema if key not in _DEFINITIONS}
        )
        kept = {key: _rebased(self._schema[key]) for key in _DEFINITIONS if key in self._schema}
        properties = {WRAPPED_INPUT: inner}
        return {"type": "object", "properties": properties, "required": [WRAPPED_INPUT], **kept}

    def _view(
        self, node: Any, chain: tuple[tuple[str, ...], ...], depth: int
    ) -> dict[str, Any] | None:
        """`node` as an object without combinators at its root; None if it is no object."""
        self._views += 1
        if depth > _MAX_DEPTH or self._views > _MAX_VIEWS:
            raise Unusable("the root of the schema is too deeply nested; write it as one object")
        if not isinstance(node, Mapping):
            return {"type": "object"} if node is True else None
        if "$ref" in node:
            pointer = self._references.pointer(node["$ref"])
            if pointer in chain:
                raise Unusable("the `$ref` at the root of the schema leads back to itself")
            beside = {key: value for key, value in node.items() if key != "$ref"}
            target = self._references.resolve(pointer)
            node = {**beside, "allOf": [target, *beside.get("allOf", [])]}
            chain = (*chain, pointer)
        types = declared_types(node, "") or implied_types(node)
        if (types and "object" not in types) or (not types and {"enum", "const"} & node.keys()):
            return None
        if "type" in node and node["type"] != "object":
            self._notes.add("the input is always an object; other types in `type` were left out")
        return self._folded(node, chain, depth)

    def _folded(
        self, node: Mapping[str, Any], chain: tuple[tuple[str, ...], ...], depth: int
    ) -> dict[str, Any] | None:
        plain = {key: value for key, value in node.items() if key not in _COMBINATORS}
        view = {**plain, "type": "object"} if "type" in plain else {"type": "object", **plain}
        for word in _COMBINATORS:
            if word not in node:
                continue
            branches = node[word]
            if not isinstance(branches, list) or not branches:
                self._notes.add(f"`{word}` at the root is no list of schemas and was removed")
                continue
            parts = [self._view(part, chain, depth + 1) for part in branches if not _is_null(part)]
            objects = [part for part in parts if part is not None]
            if len(objects) < len(parts) or not objects:
                return None
            if word == "allOf":
                for part in objects:
                    view = merge(view, part, "", self._notes)
            else:
                view = self._union(view, word, branches, objects)
        return view

    def _union(
        self,
        base: Mapping[str, Any],
        word: str,
        branches: list[Any],
        objects: list[dict[str, Any]],
    ) -> dict[str, Any]:
        """All alternatives in one object: every key of theirs, required if all require it."""
        if len(objects) == 1:
            return merge(base, objects[0], "", self._notes)
        known = base.get("properties", {})
        added: dict[str, list[Any]] = {}
        for part in objects:
            for name, schema in part.get("properties", {}).items():
                if name not in known:
                    added.setdefault(name, []).append(schema)
        merged = dict(base)
        if added:
            merged["properties"] = {
                **known,
                **{name: _either(schemas) for name, schemas in added.items()},
            }
        required = [*base.get("required", []), *_shared_names(objects)]
        if required or "required" in base:
            merged["required"] = list(dict.fromkeys(required))
        if all(part.get("additionalProperties") is False for part in objects):
            merged.setdefault("additionalProperties", False)
        told = [_summary(part) for part in objects] if added else branches
        merged["description"] = describe(base.get("description"), {word: told})
        self._notes.add(
            f"`{word}` at the root of the schema is not enforced: its alternatives were merged "
            "into one object and are told in the description"
        )
        return merged


def _is_null(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "null"


def _shared_names(objects: list[dict[str, Any]]) -> list[str]:
    others = [set(part.get("required", [])) for part in objects]
    return [name for name in objects[0].get("required", []) if all(name in o for o in others)]


def _either(schemas: list[Any]) -> Any:
    """One schema for a key that several alternatives define."""
    distinct = list({identity(schema): schema for schema in schemas}.values())
    if len(distinct) == 1:
        return distinct[0]
    literals = [_literals(schema) for schema in distinct]
    if all(literals):
        # The key that tells the alternatives apart: `{"const": "a"}`, `{"const": "b"}`.
        values = {identity(value): value for listed in literals for value in listed}
        first = {key: value for key, value in distinct[0].items() if key not in {"const", "enum"}}
        if all(schema.get("type") == first.get("type") for schema in distinct):
            return {**first, "enum": list(values.values())}
        return {"enum": list(values.values())}
    return {"anyOf": distinct}


def _literals(schema: Any) -> list[Any]:
    if not isinstance(schema, Mapping):
        return []
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    return listed if isinstance(listed, list) else []


def _summary(part: Mapping[str, Any]) -> dict[str, Any]:
    """One alternative in brief: its constants, and which keys it has and needs."""
    properties = part.get("properties", {})
    needed = part.get("required", [])
    brief: dict[str, Any] = {}
    for name, schema in properties.items():
        listed = _literals(schema)
        if listed:
            brief[name] = listed[0] if len(listed) == 1 else listed
    brief["required"] = needed
    optional = [name for name in properties if name not in needed]
    return {**brief, "optional": optional} if optional else brief


def _rebased(value: Any) -> Any:
    """The same schema for a place one level down: references to the root follow it."""
    if isinstance(value, list):
        return [_rebased(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    moved = {key: _rebased(item) for key, item in value.items()}
    target = value.get("$ref")
    if isinstance(target, str) and (target == "#" or target.startswith("#/")):
        steps = tokens(target)
        if not steps or steps[0] not in _DEFINITIONS:
            moved["$ref"] = f"#/properties/{WRAPPED_INPUT}{target[1:]}"
    return moved
