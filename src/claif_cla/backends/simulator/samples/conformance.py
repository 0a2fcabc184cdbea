"""Whether a value is valid for a JSON schema, so that samples can be chosen by it.

Covers the validation vocabulary of draft 2020-12 without dynamic references; `format` is not
asserted, as the specification has it. A JSON schema library would be a dependency of every
user of the client.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from claif_cla.backends.simulator.samples.patterns import matches

__all__ = ["conforms", "equal", "resolve", "type_of"]

_MAX_DEPTH = 60


def type_of(value: Any) -> str:
    """The JSON type of a value; whole floats are `number` here."""
    if value is None:
        return "null"
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")


def equal(one: Any, other: Any) -> bool:
    """JSON equality: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return bool(one == other)


def resolve(reference: str, root: Any) -> Any:
    """What a `$ref` inside the document points to; `True` (anything) where it can't be found."""
    if not reference.startswith("#"):
        return True
    node = root
    for part in filter(None, reference[1:].split("/")):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        else:
            return True
    return node


def conforms(  # noqa: PLR0911 - one return per kind of value
    value: Any, schema: Any, root: Any, depth: int = 0
) -> bool:
    """Whether `value` is valid for `schema`, a part of the document `root`."""
    if isinstance(schema, bool) or not isinstance(schema, dict):
        return schema is not False
    if depth > _MAX_DEPTH:
        return False

    def inner(part: Any, subschema: Any) -> bool:
        return conforms(part, subschema, root, depth + 1)

    if "$ref" in schema and not inner(value, resolve(str(schema["$ref"]), root)):
        return False
    if not _fits_type(value, schema.get("type")) or not _fits_values(value, schema):
        return False
    if not _fits_combinators(value, schema, inner):
        return False
    if isinstance(value, str):
        return _fits_string(value, schema)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _fits_number(value, schema)
    if isinstance(value, list):
        return _fits_array(value, schema, inner)
    return not isinstance(value, dict) or _fits_object(value, schema, inner)


_Inner = Callable[[Any, Any], bool]


def _fits_type(value: Any, kinds: Any) -> bool:
    if kinds is None:
        return True
    names = kinds if isinstance(kinds, list) else [kinds]
    own = type_of(value)
    if own == "integer":
        return "integer" in names or "number" in names
    return own in names or (own == "number" and value.is_integer() and "integer" in names)


def _fits_values(value: Any, schema: Mapping[str, Any]) -> bool:
    if "const" in schema and not equal(value, schema["const"]):
        return False
    return "enum" not in schema or any(equal(value, item) for item in schema["enum"])


def _fits_combinators(value: Any, schema: Mapping[str, Any], inner: _Inner) -> bool:
    if not all(inner(value, branch) for branch in schema.get("allOf", ())):
        return False
    if "anyOf" in schema and not any(inner(value, branch) for branch in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(inner(value, branch) for branch in schema["oneOf"]) != 1:
        return False
    if "not" in schema and inner(value, schema["not"]):
        return False
    if "if" in schema:
        return inner(value, schema.get("then" if inner(value, schema["if"]) else "else", True))
    return True


def _fits_string(value: str, schema: Mapping[str, Any]) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf):
        return False
    return "pattern" not in schema or matches(str(schema["pattern"]), value)


def _fits_number(value: float, schema: Mapping[str, Any]) -> bool:
    if not schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf):
        return False
    low, high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if (low is not None and value <= low) or (high is not None and value >= high):
        return False
    step = schema.get("multipleOf")
    if not step:
        return True
    quotient = value / step
    return math.isfinite(quotient) and quotient == int(quotient)


def _fits_array(value: Sequence[Any], schema: Mapping[str, Any], inner: _Inner) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        return False
    leading = schema.get("prefixItems", ())
    if not all(inner(item, part) for item, part in zip(value, leading, strict=False)):
        return False
    if not all(inner(item, schema.get("items", True)) for item in value[len(leading) :]):
        return False
    if schema.get("uniqueItems") and any(
        equal(item, other) for i, item in enumerate(value) for other in value[:i]
    ):
        return False
    if "contains" not in schema:
        return True
    found = sum(inner(item, schema["contains"]) for item in value)
    return bool(schema.get("minContains", 1) <= found <= schema.get("maxContains", math.inf))


def _fits_object(value: Mapping[str, Any], schema: Mapping[str, Any], inner: _Inner) -> bool:
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", math.inf):
        return False
    if any(name not in value for name in schema.get("required", ())):
        return False
    needs = schema.get("dependentRequired", {})
    if any(key in value and any(n not in value for n in names) for key, names in needs.items()):
        return False
    parts = schema.get("dependentSchemas", {})
    if not all(inner(value, part) for key, part in parts.items() if key in value):
        return False
    if "propertyNames" in schema and not all(inner(n, schema["propertyNames"]) for n in value):
        return False
    return all(_fits_property(name, item, schema, inner) for name, item in value.items())


def _fits_property(name: str, item: Any, schema: Mapping[str, Any], inner: _Inner) -> bool:
    declared = schema.get("properties", {})
    patterns = [
        part
        for pattern, part in schema.get("patternProperties", {}).items()
        if matches(pattern, name)
    ]
    if name in declared and not inner(item, declared[name]):
        return False
    if not all(inner(item, part) for part in patterns):
        return False
    if name in declared or patterns:
        return True
    return inner(item, schema.get("additionalProperties", True))
