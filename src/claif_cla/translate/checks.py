"""Checks of JSON values from the caller: the value as its type, or a `Refusal` that names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claif_cla.errors import Refusal

__all__ = ["boolean", "integer", "invalid", "mapping", "number", "one_of", "sequence", "string"]

_NAMES = {str: "a string", bool: "a boolean", int: "an integer", float: "a number"}
_NAMES |= {dict: "an object", list: "an array", type(None): "null"}


def invalid(param: str, expected: str, value: Any) -> Refusal:
    """The refusal of a value of the wrong type or form, in OpenAI's words."""
    got = _NAMES.get(type(value), type(value).__name__)
    return Refusal(
        f"Invalid type for `{param}`: expected {expected}, but got {got} instead.",
        param=param,
        code="invalid_type",
    )


def string(value: Any, param: str) -> str:
    """A string, also an empty one."""
    if not isinstance(value, str):
        raise invalid(param, "a string", value)
    return value


def boolean(value: Any, param: str) -> bool:
    """A boolean; 0 and 1 are none."""
    if not isinstance(value, bool):
        raise invalid(param, "a boolean", value)
    return value


def integer(value: Any, param: str, low: int | None = None, high: int | None = None) -> int:
    """An integer within `low` and `high`; a float without fraction counts, as in JSON."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(param, "an integer", value)
    _within(value, param, low, high)
    return value


def number(value: Any, param: str, low: float, high: float) -> float:
    """A number within `low` and `high`; NaN is in no range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise invalid(param, "a number", value)
    _within(value, param, low, high)
    return value


def _within(value: float, param: str, low: float | None, high: float | None) -> None:
    # Written so that NaN, for which every comparison is false, is out of range.
    if not ((low is None or value >= low) and (high is None or value <= high)):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        message = f"Invalid value for `{param}`: {value} is not {limits}."
        raise Refusal(message, param=param, code="invalid_value")


def mapping(value: Any, param: str) -> Mapping[str, Any]:
    """An object."""
    # A dict nearly always: for an abstract class alone, each look is a call.
    if not isinstance(value, (dict, Mapping)):
        raise invalid(param, "an object", value)
    return value


def sequence(value: Any, param: str) -> Sequence[Any]:
    """An array; a string is none."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise invalid(param, "an array", value)
    return value


def one_of(value: Any, param: str, choices: Sequence[str]) -> str:
    """One of these strings; others are refused with the list of them."""
    if not isinstance(value, str) or value not in choices:
        expected = ", ".join(f"'{choice}'" for choice in choices)
        message = f"Invalid value for `{param}`: {value!r}. Supported values are: {expected}."
        raise Refusal(message, param=param, code="invalid_value")
    return value
