"""One schema that says what several say together, as far as keywords can be combined.

What can't be combined is left to the check of the finished value against the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.backends.simulator.samples.conformance import equal

__all__ = ["merged"]

_LARGEST = frozenset(
    {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"}
)
_SMALLEST = frozenset(
    {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"}
)
_LISTS = frozenset({"allOf", "required"})
_SCHEMAS = frozenset({"items", "additionalProperties", "contains", "propertyNames"})
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})


def merged(one: Any, other: Any) -> Any:
    """The conjunction of two schemas."""
    if one is False or other is False:
        return False
    if not isinstance(one, dict):
        return other
    if not isinstance(other, dict):
        return one
    result = dict(one)
    for name, value in other.items():
        result[name] = _combined(name, result[name], value) if name in result else value
    return result


def _combined(name: str, one: Any, other: Any) -> Any:  # noqa: PLR0911 - a table of keywords
    if name in _LARGEST:
        return max(one, other)
    if name in _SMALLEST:
        return min(one, other)
    if name in _LISTS:
        return [*one, *(item for item in other if item not in one)]
    if name in _SCHEMAS:
        return merged(one, other)
    if name in _MAPS:
        return _merged_maps(one, other)
    if name == "type":
        return _common_types(one, other)
    if name == "enum":
        return [item for item in one if any(equal(item, value) for value in other)]
    if name == "uniqueItems":
        return one or other
    if name == "multipleOf":
        # 2 and 3 make 6; anything finer is tried and, if need be, found wanting.
        return one * other if one != other else one
    return other


def _merged_maps(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for name, value in other.items():
        result[name] = merged(result[name], value) if name in result else value
    return result


def _common_types(one: Any, other: Any) -> list[str]:
    first = one if isinstance(one, list) else [one]
    second = other if isinstance(other, list) else [other]
    common = [name for name in first if name in second]
    if "integer" not in common and {"integer", "number"} <= {*first, *second}:
        common.append("integer")
    return common
