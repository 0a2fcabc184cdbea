"""JSON Schema into the subset that Claude compiles for structured outputs and strict tools.

The subset, as Anthropic's guide and the `transform_schema` of its SDKs have it: closed objects,
arrays with `minItems` 0 or 1, ten string formats, `enum` and `const` of scalars, `anyOf`, local
references without cycles, `title` and `description`. What lies outside moves into `description`,
where the model may still heed it, and a note says that it is no longer enforced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.translate.schema.fold import MAX_LEVELS, Folder
from claif_cla.translate.schema.keywords import (
    ASSERTIONS,
    CARRIED,
    FORMATS,
    SCALARS,
    SILENT,
    WORDS_OF,
    declared_types,
    fits,
    identity,
    implied_types,
    listed,
    literal_set,
    neutral,
    nullable,
    ordered,
    relevant,
)
from claif_cla.translate.schema.merge import NothingFits, merge
from claif_cla.translate.schema.notes import Notes, Unusable, describe, shown
from claif_cla.translate.schema.refs import References, references_in, tokens

__all__ = ["SubsetRewriter"]


class SubsetRewriter:
    """Rewrites one document. Its results share values with the input and must not be changed.

    Args:
        root: the whole schema, upgraded to draft 2020-12; references point into it.
        notes: told about each change to what validates.

    Attributes:
        lossy: whether values that the schema allows can no longer be expressed at all (maps
            with free keys, values of any type).
    """

    def __init__(self, root: Mapping[str, Any], notes: Notes) -> None:
        self.lossy = False
        self._root = root
        self._notes = notes
        self._references = References(root)
        self._definitions: dict[str, dict[str, Any]] = {}
        self._folder = Folder(self._references, notes)
        self._level = 0

    def document(self) -> dict[str, Any]:
        """The root in the subset, any reference at the root followed, without its `$defs`."""
        self._references.check_acyclic()
        return self._followed(self.rewrite(self._root, ""))

    def definitions(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The `$defs` that `schema` needs, in the order in which it first names them."""
        found: dict[str, Any] = {}
        waiting = [tokens(target)[1] for target in references_in(schema)]
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = self._definitions[name]
                waiting.extend(tokens(target)[1] for target in references_in(found[name]))
        return found

    def rewrite(self, node: Any, path: str) -> dict[str, Any]:
        """One schema in the subset.

        Raises:
            NothingFits: if no value satisfies it.
            Unusable: if it cannot be expressed.
        """
        self._folder.spend(1)
        if isinstance(node, bool):
            if not node:
                raise NothingFits(f"{shown(path)}: the schema allows no value")
            node = {}
        self._folder.spend(len(node))
        if self._level >= MAX_LEVELS:
            raise Unusable(f"{shown(path)}: the schema is nested too deeply; flatten it")
        self._level += 1
        try:
            return self._dispatch(node, path)
        finally:
            self._level -= 1

    def _possible(self, node: Any, path: str) -> dict[str, Any] | None:
        """`rewrite`, or None if no value satisfies `node`."""
        try:
            return self.rewrite(node, path)
        except NothingFits:
            return None

    def _dispatch(self, node: Mapping[str, Any], path: str) -> dict[str, Any]:
        if "nullable" in node:
            node = nullable(node)
        if "$ref" in node and not (ASSERTIONS & node.keys()) - {"$ref"}:
            return self._reference(node, path)
        flat = self._folder.flat(node, path)
        if "anyOf" in flat or "oneOf" in flat:
            return self._union(flat, path)
        if "enum" in flat or "const" in flat:
            return self._literals(flat, path)
        types = declared_types(flat, path)
        if types is None:
            return self._untyped(flat, path)
        if len(types) > 1:
            return self._several(flat, types, path)
        return self._typed({**flat, "type": types[0]}, path)

    def _reference(self, node: Mapping[str, Any], path: str) -> dict[str, Any]:
        """A reference, kept; or, where a title or description stands beside it, its target."""
        pointer = self._references.pointer(node["$ref"])
        name = self._references.name(pointer)
        if name not in self._definitions:
            target = self._references.resolve(pointer)
            self._definitions[name] = self.rewrite(target, f"$defs.{name}")
        reference = {"$ref": f"#/$defs/{name}"}
        beside = {key: value for key, value in node.items() if key not in SILENT | {"$ref"}}
        return self._annotated(reference, beside, path) if beside else reference

    def _followed(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._definitions[tokens(schema["$ref"])[1]]
        return schema

    def _annotated(
        self, schema: dict[str, Any], beside: Mapping[str, Any], path: str
    ) -> dict[str, Any]:
        """`schema` with the annotations of the place where it is used before its own."""
        target = self._followed(schema)
        outer = {key: value for key, value in beside.items() if key in CARRIED}
        moved = {key: value for key, value in beside.items() if key not in CARRIED}
        outer["description"] = describe(outer.get("description"), moved)
        self._folder.spend(len(outer["description"] or "") // 50)
        outer = {key: value for key, value in outer.items() if isinstance(value, str)}
        return ordered(merge(outer, target, path, self._notes))

    def _union(self, node: Mapping[str, Any], path: str) -> dict[str, Any]:
        """`anyOf`; what stands beside it is pushed into each alternative, which is exact."""
        word = "anyOf" if "anyOf" in node else "oneOf"
        branches = listed(node, word, path)
        common = {key: node[key] for key in node if key in ASSERTIONS and key != word}
        beside = {
            key: value for key, value in node.items() if key not in ASSERTIONS and key not in SILENT
        }
        wholes = [{"allOf": [common, branch]} if common else branch for branch in branches]
        possible = [part for whole in wholes if (part := self._possible(whole, path)) is not None]
        if not possible:
            raise NothingFits(f"{shown(path)}: no alternative of `{word}` can be satisfied")
        parts = list({identity(part): part for part in possible}.values())
        if word == "oneOf" and not self._exclusive(possible):
            self._notes.add(f"{shown(path)}: `oneOf` became `anyOf`; several may match at once")
        union = parts[0] if len(parts) == 1 else {"anyOf": parts}
        return self._annotated(union, beside, path) if beside else union

    def _exclusive(self, parts: list[dict[str, Any]]) -> bool:
        """Whether no value can match two of the alternatives: by type, or by a constant key."""
        bodies = [self._followed(part) for part in parts]
        types = [body.get("type") for body in bodies]
        if None not in types and len(set(types)) == len(types):
            return not {"integer", "number"} <= set(types)
        keys = [set(body.get("required", ())) for body in bodies]
        for key in sorted(set.intersection(*keys)) if keys else ():
            literals = [literal_set(self._followed(body["properties"][key])) for body in bodies]
            if all(literals) and len(set().union(*literals)) == sum(map(len, literals)):
                return True
        return False

    def _literals(self, node: Mapping[str, Any], path: str) -> dict[str, Any]:
        values = [node["const"]] if "const" in node else node["enum"]
        if not isinstance(values, list):
            raise Unusable(f"{shown(path)}: `enum` must be a list")
        if "const" in node and "enum" in node:
            values = merge({"enum": values}, {"enum": node["enum"]}, path, self._notes)["enum"]
        types = declared_types(node, path)
        distinct = {identity(value): value for value in values if not types or fits(value, types)}
        self._folder.spend(len(values))
        values = list(distinct.values())
        if not values:
            raise NothingFits(f"{shown(path)}: no value of `enum` or `const` is allowed")
        if any(isinstance(value, (list, Mapping)) for value in values):
            return self._complex_literals(node, values, path)
        kinds = [kind for kind in SCALARS if any(fits(value, (kind,)) for value in values)]
        rest = relevant(node, kinds, {"enum", "const", "type"})
        out: dict[str, Any] = {"const": values[0]} if "const" in node else {"enum": values}
        if types and len(types) == 1:
            out["type"] = types[0]
        return self._finish(out, rest, path)

    def _complex_literals(
        self, node: Mapping[str, Any], values: list[Any], path: str
    ) -> dict[str, Any]:
        # The API takes scalars only. The types of the values are the nearest that it enforces.
        self.lossy = True
        self._notes.add(f"{shown(path)}: objects and lists in `enum` or `const` are not enforced")
        kinds = ("object", "array", *SCALARS)
        rest = {key: value for key, value in node.items() if key not in {"enum", "const"}}
        rest["type"] = [kind for kind in kinds if any(fits(value, (kind,)) for value in values)]
        rest["description"] = describe(node.get("description"), {"enum": values})
        self._folder.spend(len(rest["description"] or "") // 50)
        return self.rewrite(rest, path)

    def _untyped(self, node: Mapping[str, Any], path: str) -> dict[str, Any]:
        types = implied_types(node)
        if types:
            named = " or ".join(f"`{kind}`" for kind in types)
            self._notes.add(f"{shown(path)}: `type` is missing and taken to be {named}")
            return self.rewrite({**node, "type": list(types)}, path)
        if not path:
            raise Unusable(
                "the schema does not say what it describes; give it a `type`, and `properties` "
                "if that is `object`"
            )
        self.lossy = True
        self._notes.add(f"{shown(path)}: any value is allowed, but only scalars can be produced")
        return self._several(node, SCALARS, path)

    def _several(
        self, node: Mapping[str, Any], types: tuple[str, ...], path: str
    ) -> dict[str, Any]:
        """A list of types as `anyOf`, each with the keywords that speak about it."""
        typed = set().union(*(WORDS_OF[kind] for kind in types))
        outer = {key: value for key, value in node.items() if key not in typed and key != "type"}
        branches = [
            {"type": kind, **{key: node[key] for key in node if key in WORDS_OF[kind]}}
            for kind in types
        ]
        return self._union({**outer, "anyOf": branches}, path)

    def _typed(self, node: dict[str, Any], path: str) -> dict[str, Any]:
        kind = node["type"]
        rest = relevant(node, [kind], {"type"})
        out: dict[str, Any] = {"type": kind}
        if kind == "object":
            self._object(out, rest, path)
        elif kind == "array":
            self._array(out, rest, path)
        elif kind == "string" and isinstance(node.get("format"), str) and node["format"] in FORMATS:
            out["format"] = rest.pop("format")
        return self._finish(out, rest, path)

    def _object(self, out: dict[str, Any], node: dict[str, Any], path: str) -> None:
        """Closed, as the API demands. Moves what it has used from `node` to `out`.

        Closing an object that only did not say whether it is open needs no note: every answer
        still conforms to the schema as it was given.
        """
        listed = "properties" in node
        names = node.pop("required", [])
        given = {**dict.fromkeys(names, True), **node.pop("properties", {})}
        properties: dict[str, Any] = {}
        for name, schema in given.items():
            below = f"{path}.{name}" if path else name
            part = self._possible(schema, below)
            if part is not None:
                properties[name] = part
            elif name in names:
                raise NothingFits(f"{shown(below)}: required, but no value is allowed")
        out["properties"] = properties
        if names:
            out["required"] = list(dict.fromkeys(names))
        out["additionalProperties"] = False
        self._closed(node, path, listed=listed, any_key=bool(given))

    def _closed(self, node: dict[str, Any], path: str, *, listed: bool, any_key: bool) -> None:
        extra = node.pop("additionalProperties", None)
        self.lossy = self.lossy or "patternProperties" in node
        if node.get("unevaluatedProperties") is False:
            del node["unevaluatedProperties"]
            return
        if extra is False or (extra is None and listed):
            return
        if not any_key and not path:
            raise Unusable(
                "the schema is an object that lists no keys, and Claude's structured outputs "
                "hold listed ones only; list them under `properties`"
            )
        if not any_key or extra is not None:
            self.lossy = True
            self._notes.add(f"{shown(path)}: only the keys listed in `properties` can be produced")
        if isinstance(extra, Mapping) and extra:
            # Told to the model, not enforced.
            node["additionalProperties"] = extra

    def _array(self, out: dict[str, Any], node: dict[str, Any], path: str) -> None:
        below = f"{path}[]"
        items = node.pop("items", True)
        if "prefixItems" in node:
            # A tuple: its positions are not enforced, the kinds of its members are.
            others = [] if items in (True, False, {}) else [items]
            items = {"anyOf": [*listed(node, "prefixItems", below), *others]}
            self.lossy = True
        if items is not True and items != {}:
            part = self._possible(items, below)
            if part is None:
                node["maxItems"] = 0
            else:
                out["items"] = part
        fewest = node.get("minItems")
        if fewest in (0, 1) and not isinstance(fewest, bool):
            out["minItems"] = node.pop("minItems")

    def _finish(self, out: dict[str, Any], rest: Mapping[str, Any], path: str) -> dict[str, Any]:
        """`out` with title and description; the rest of the keywords moves into the latter."""
        moved = {
            key: value for key, value in rest.items() if key not in SILENT and key not in CARRIED
        }
        lost = [key for key in moved if key in ASSERTIONS and not neutral(key, moved[key], out)]
        if lost:
            named = ", ".join(f"`{key}`" for key in lost)
            self._notes.add(f"{shown(path)}: not enforced, moved into the description: {named}")
        description = describe(rest.get("description"), moved)
        if moved:
            self._folder.spend(len(description or "") // 50)
        if description is not None:
            out["description"] = description
        if isinstance(rest.get("title"), str):
            out["title"] = rest["title"]
        return ordered(out)
