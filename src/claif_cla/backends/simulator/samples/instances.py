"""A value that is valid for a JSON schema, found without chance.

The schema is read for candidates, the plainest first, and the first that conforms is taken.
Depth and work are bounded; for a schema that no finite value satisfies, or that is too hard,
the nearest value comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from claif_cla.backends.simulator.samples.conformance import conforms, resolve
from claif_cla.backends.simulator.samples.merging import merged
from claif_cla.backends.simulator.samples.scalars import integers, numbers, strings

__all__ = ["make_instance"]

_MAX_DEPTH = 16
_FULL_DEPTH = 3
"""Down to here optional properties are filled in too; below, only required ones."""

_MAX_STEPS = 20_000
_MAX_CANDIDATES = 24
_MAX_ITEMS = 1000
_TYPES = ("string", "object", "array", "integer", "number", "boolean", "null")
_MARKS = {
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "patternProperties",
        "propertyNames",
    ),
    "array": ("items", "prefixItems", "minItems", "contains", "uniqueItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def make_instance(schema: Any) -> Any:
    """A JSON value for `schema`; the same schema always gives the same value."""
    return _Maker(schema).best(schema, 0, "", 0)


@dataclass(slots=True)
class _Maker:
    root: Any
    steps: int = 0

    def best(self, schema: Any, depth: int, name: str, variant: int) -> Any:
        """The first candidate that conforms, else the first."""
        nearest: list[Any] = []
        for value in islice(self._candidates(schema, depth, name, variant), _MAX_CANDIDATES):
            if conforms(value, schema, self.root):
                return value
            nearest.append(value)
        return nearest[0] if nearest else None

    def _candidates(self, schema: Any, depth: int, name: str, variant: int) -> Iterator[Any]:
        self.steps += 1
        if depth > _MAX_DEPTH or self.steps > _MAX_STEPS:
            return
        if not isinstance(schema, dict):
            yield name or "text"
            return
        given = [schema[key] for key in ("default",) if key in schema]
        given += schema["examples"] if isinstance(schema.get("examples"), list) else []
        if given and not variant:
            yield from (value for value in given if conforms(value, schema, self.root))
        if "const" in schema:
            yield schema["const"]
        elif "enum" in schema:
            turn = variant % max(1, len(schema["enum"]))
            yield from (*schema["enum"][turn:], *schema["enum"][:turn])
        else:
            yield from self._composed(schema, depth, name, variant)

    def _composed(
        self, schema: Mapping[str, Any], depth: int, name: str, variant: int
    ) -> Iterator[Any]:
        """Take references and combinators apart, one at a time."""
        if "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            target = resolve(str(schema["$ref"]), self.root)
            yield from self._candidates(merged(target, rest), depth + 1, name, variant)
            return
        for keyword in ("allOf", "anyOf", "oneOf", "if"):
            if keyword in schema:
                for option in self._options(schema, keyword, depth):
                    yield from self._candidates(option, depth + 1, name, variant)
                return
        kinds = schema.get("type", self._implied(schema))
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            yield from self._typed(str(kind), schema, depth, name, variant)

    def _options(self, schema: Mapping[str, Any], keyword: str, depth: int) -> Iterator[Any]:
        hidden = ("if", "then", "else") if keyword == "if" else (keyword,)
        rest: Any = {key: value for key, value in schema.items() if key not in hidden}
        if keyword == "allOf":
            for branch in schema["allOf"]:
                rest = merged(rest, self._opened(branch))
            yield rest
        elif keyword == "if":
            yield merged(merged(rest, schema["if"]), schema.get("then", True))
            yield merged(rest, schema.get("else", True))
        else:
            branches = list(schema[keyword])
            if depth > _FULL_DEPTH:
                # Recursive types end in a plain branch, mostly null: look there first.
                branches.sort(key=lambda branch: not _is_plain(branch))
            yield from (merged(rest, self._opened(branch)) for branch in branches)

    def _opened(self, branch: Any) -> Any:
        """The branch with its outermost reference replaced by what it means."""
        if not isinstance(branch, dict) or "$ref" not in branch:
            return branch
        rest = {key: value for key, value in branch.items() if key != "$ref"}
        return merged(resolve(str(branch["$ref"]), self.root), rest)

    def _implied(self, schema: Mapping[str, Any]) -> list[str]:
        """The types to try where none is named: those that the keywords speak of come first."""
        named = [kind for kind, marks in _MARKS.items() if any(mark in schema for mark in marks)]
        return [*named, *(kind for kind in _TYPES if kind not in named)]

    def _typed(
        self, kind: str, schema: Mapping[str, Any], depth: int, name: str, variant: int
    ) -> Iterator[Any]:
        if kind == "string":
            yield from strings(schema, name, variant)
        elif kind == "integer":
            yield from integers(schema, variant)
        elif kind == "number":
            yield from numbers(schema, variant)
        elif kind == "boolean":
            yield from ((True, False) if variant % 2 == 0 else (False, True))
        elif kind == "null":
            yield None
        elif kind == "array":
            yield from self._arrays(schema, depth, name, variant)
        elif kind == "object":
            yield from self._objects(schema, depth, variant)

    def _arrays(
        self, schema: Mapping[str, Any], depth: int, name: str, variant: int
    ) -> Iterator[list[Any]]:
        leading = schema.get("prefixItems", [])
        items = schema.get("items", True)
        fewest = max(int(schema.get("minItems", 0)), len(leading))
        wanted = [fewest]
        if depth <= _FULL_DEPTH and items is not False and not leading:
            wanted.insert(0, max(fewest, 1 + variant))
        for size in wanted:
            value = []
            for place in range(min(size, _MAX_ITEMS)):
                part = leading[place] if place < len(leading) else items
                if "contains" in schema and place < int(schema.get("minContains", 1)):
                    part = merged(part, schema["contains"])
                shift = place if schema.get("uniqueItems") else 0
                value.append(self.best(part, depth + 1, name, variant + shift))
            yield value
        if "contains" in schema:
            part = merged(items, schema["contains"])
            count = max(1, fewest, int(schema.get("minContains", 1)))
            yield [self.best(part, depth + 1, name, variant + place) for place in range(count)]
        yield []

    def _objects(
        self, schema: Mapping[str, Any], depth: int, variant: int
    ) -> Iterator[dict[str, Any]]:
        declared: Mapping[str, Any] = schema.get("properties", {})
        required = list(schema.get("required", ()))
        optional = [name for name in declared if name not in required]
        choices = [[*required, *optional], required] if depth < _FULL_DEPTH else [required]
        for names in choices:
            value = {
                name: self.best(self._property(schema, name), depth + 1, name, variant)
                for name in names
                if declared.get(name) is not False
            }
            self._fill(value, schema, depth, variant)
            yield value

    def _property(self, schema: Mapping[str, Any], name: str) -> Any:
        return schema.get("properties", {}).get(name, schema.get("additionalProperties", True))

    def _fill(
        self, value: dict[str, Any], schema: Mapping[str, Any], depth: int, variant: int
    ) -> None:
        """Add properties until `minProperties` is met: declared ones first, then made-up names."""
        fewest = min(int(schema.get("minProperties", 0)), _MAX_ITEMS)
        names = [name for name in schema.get("properties", {}) if name not in value]
        names += [f"property{place}" for place in range(1, fewest + 1)]
        for name in names:
            if len(value) >= fewest:
                return
            value.setdefault(
                name, self.best(self._property(schema, name), depth + 1, name, variant)
            )


def _is_plain(branch: Any) -> bool:
    return isinstance(branch, dict) and (
        branch.get("type") in ("null", "boolean", "integer", "number", "string")
        or "const" in branch
        or "enum" in branch
    )
