"""Two schemas as one: what `allOf` means, written without it.

Claude's structured outputs take no `allOf` that holds a `$ref`, and tools none at the root of
their input (structured outputs guide, API error texts), so it is folded away here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from claif_cla.translate.schema.keywords import declared_types, fits, identity
from claif_cla.translate.schema.notes import Notes, Unusable, describe, shown

__all__ = ["NothingFits", "merge"]


class NothingFits(Unusable):
    """No value at all satisfies the schema."""


def merge(
    left: Mapping[str, Any], right: Mapping[str, Any], path: str, notes: Notes
) -> dict[str, Any]:
    """The schema that both schemas together mean.

    Args:
        left: the first one; its order and its titles win.
        right: the second one.
        path: where they apply.
        notes: told about keywords that have no common form; those of `right` then move into
            the description.

    Raises:
        NothingFits: if they contradict each other.
    """
    if _closes_out(left, right) or _closes_out(right, left):
        notes.add(f"{shown(path)}: the parts of `allOf` were taken to close their sum, not each")
    merged = dict(left)
    conflicts: dict[str, Any] = {}
    for key, value in right.items():
        if key not in merged:
            merged[key] = value
        elif key in _COMBINE:
            merged[key] = _COMBINE[key](merged[key], value, path)
        elif identity(merged[key]) != identity(value):
            conflicts[key] = value
    if conflicts:
        merged["description"] = describe(merged.get("description"), {"allOf": [conflicts]})
        named = ", ".join(f"`{key}`" for key in list(conflicts)[:5])
        notes.add(f"{shown(path)}: `allOf` repeats {named}; only the first is enforced")
    return merged


def _closes_out(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether `one`, to the letter, forbids or constrains keys that only `other` has."""
    if one.get("additionalProperties", True) in (True, {}):
        return False
    own, others = one.get("properties") or {}, other.get("properties") or {}
    return not others.keys() <= own.keys()


def _types(left: Any, right: Any, path: str) -> Any:
    one = declared_types({"type": left}, path) or ()
    two = declared_types({"type": right}, path) or ()
    common = [kind for kind in one if kind in two or (kind == "integer" and "number" in two)]
    if "number" in one and "integer" in two:
        common.append("integer")
    if not common:
        raise NothingFits(f"{shown(path)}: no value has both types that `allOf` asks for")
    return common[0] if len(common) == 1 else common


def _all_of(left: Any, right: Any, _path: str) -> Any:
    return left if identity(left) == identity(right) else {"allOf": [left, right]}


def _named(left: Any, right: Any, path: str) -> Any:
    merged = dict(left)
    for name, schema in right.items():
        merged[name] = _all_of(merged[name], schema, path) if name in merged else schema
    return merged


def _required(left: Any, right: Any, _path: str) -> Any:
    return list(dict.fromkeys([*left, *right]))


def _open(left: Any, right: Any, path: str) -> Any:
    # Closed wins: in the common, sloppy use of `allOf` each part closes the sum of the parts.
    if left is False or right is False:
        return False
    if left is True or right is True:
        return right if left is True else left
    return _all_of(left, right, path)


def _enum(left: Any, right: Any, path: str) -> Any:
    if not isinstance(left, list) or not isinstance(right, list):
        raise Unusable(f"{shown(path)}: `enum` must be a list")
    wanted = {identity(value) for value in right}
    common = [value for value in left if identity(value) in wanted]
    if not common:
        raise NothingFits(f"{shown(path)}: no value is in both `enum` lists of `allOf`")
    return common


def _const(left: Any, right: Any, path: str) -> Any:
    if identity(left) != identity(right):
        raise NothingFits(f"{shown(path)}: no value equals both `const` of `allOf`")
    return left


def _texts(left: Any, right: Any, _path: str) -> Any:
    texts = [text for text in (left, right) if isinstance(text, str) and text]
    if len(texts) == 2 and (right == left or right in left.split("\n\n")):
        return left  # merged twice, a text shall not stand there twice
    return "\n\n".join(texts)


def _first(left: Any, _right: Any, _path: str) -> Any:
    return left


def _bound(pick: Callable[[Any, Any], Any]) -> Callable[[Any, Any, str], Any]:
    def combine(left: Any, right: Any, path: str) -> Any:
        if not fits(left, ("number",)) or not fits(right, ("number",)):
            raise Unusable(f"{shown(path)}: bounds must be numbers")
        return pick(left, right)

    return combine


_COMBINE: Mapping[str, Callable[[Any, Any, str], Any]] = {
    "type": _types,
    "properties": _named,
    "patternProperties": _named,
    "$defs": _first,
    "definitions": _first,
    "required": _required,
    "additionalProperties": _open,
    "items": _all_of,
    "enum": _enum,
    "const": _const,
    "description": _texts,
    "title": _first,
    "$schema": _first,
    "$id": _first,
    "$comment": _first,
    "default": _first,
    "examples": _first,
    **dict.fromkeys(
        ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _bound(max)
    ),
    **dict.fromkeys(
        ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _bound(min)
    ),
}
