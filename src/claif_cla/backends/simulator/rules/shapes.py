"""A small vocabulary to declare the shape of a request, with the API's messages for misfits.

A check takes a value, its path (`messages.0.content`) and the betas that the request opted
into; it raises `Rejection` or returns. The wording follows recorded 400 answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

from claif_cla.backends.simulator.rejection import Rejection

__all__ = [
    "Betas",
    "Check",
    "anything",
    "array",
    "boolean",
    "fail",
    "integer",
    "literal",
    "mapping",
    "nullable",
    "number",
    "record",
    "string",
    "tagged",
    "text_or",
]

Betas: TypeAlias = frozenset[str]
Check: TypeAlias = Callable[[Any, str, Betas], None]


def fail(path: str, text: str) -> NoReturn:
    """Reject the request because of the field at `path`."""
    raise Rejection(f"{path}: {text}" if path else text)


def anything(value: Any, path: str, _betas: Betas) -> None:
    """Any JSON value."""


def boolean(value: Any, path: str, _betas: Betas) -> None:
    """A JSON boolean."""
    if not isinstance(value, bool):
        fail(path, "Input should be a valid boolean")


def mapping(value: Any, path: str, _betas: Betas) -> None:
    """A JSON object of any keys."""
    if not isinstance(value, dict):
        fail(path, "Input should be an object")


def string(*, pattern: str | None = None, minimum: int = 0) -> Check:
    """A JSON string; `minimum` counts characters."""

    def check(value: Any, path: str, _betas: Betas) -> None:
        if not isinstance(value, str):
            fail(path, "Input should be a valid string")
        if len(value) < minimum:
            noun = "character" if minimum == 1 else "characters"
            fail(path, f"String should have at least {minimum} {noun}")
        if pattern is not None and re.fullmatch(pattern, value) is None:
            fail(path, f"String should match pattern '^{pattern}$'")

    return check


def integer(*, minimum: int | None = None) -> Check:
    """A JSON integer; booleans are none, `3.0` is one, as in the API."""

    def check(value: Any, path: str, _betas: Betas) -> None:
        whole = isinstance(value, float) and value.is_integer()
        if isinstance(value, bool) or not (isinstance(value, int) or whole):
            fail(path, "Input should be a valid integer")
        if minimum is not None and value < minimum:
            fail(path, f"Input should be greater than or equal to {minimum}")

    return check


def number(low: float, high: float) -> Check:
    """A JSON number within a range."""

    def check(value: Any, path: str, _betas: Betas) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            fail(path, "Input should be a valid number")
        if not low <= value <= high:
            fail(path, f"range: {low:g}..{high:g}")

    return check


def literal(*allowed: str, beta_allowed: tuple[str, ...] = ()) -> Check:
    """One of some strings; `beta_allowed` needs a beta header."""

    def check(value: Any, path: str, betas: Betas) -> None:
        if isinstance(value, str) and (value in allowed or (betas and value in beta_allowed)):
            return
        quoted = [f"'{name}'" for name in allowed]
        text = " or ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)
        fail(path, f"Input should be {text}")

    return check


def nullable(inner: Check) -> Check:
    """Null, or what `inner` takes."""

    def check(value: Any, path: str, betas: Betas) -> None:
        if value is not None:
            inner(value, path, betas)

    return check


def array(item: Check) -> Check:
    """A JSON array."""

    def check(value: Any, path: str, betas: Betas) -> None:
        if not isinstance(value, list):
            fail(path, "Input should be a valid list")
        for index, element in enumerate(value):
            item(element, f"{path}.{index}", betas)

    return check


def text_or(other: Check) -> Check:
    """A string, or what `other` takes."""

    def check(value: Any, path: str, betas: Betas) -> None:
        if not isinstance(value, str):
            other(value, path, betas)

    return check


def record(
    fields: Mapping[str, Check],
    *,
    required: tuple[str, ...] = (),
    beta_fields: tuple[str, ...] = (),
) -> Check:
    """A JSON object of these fields and no others."""

    def check(value: Any, path: str, betas: Betas) -> None:
        if not isinstance(value, dict):
            fail(path, "Input should be an object")
        prefix = f"{path}." if path else ""
        for name, inner in fields.items():
            if name in value:
                inner(value[name], prefix + name, betas)
            elif name in required:
                fail(prefix + name, "Field required")
        for name in value:
            if name not in fields and not (betas and name in beta_fields):
                fail(prefix + name, "Extra inputs are not permitted")

    return check


def tagged(cases: Mapping[str, Check], *, default: str | None = None) -> Check:
    """An object told apart by `type`, whose value joins the path: `thinking.enabled.…`.

    With a beta header, types that are not listed pass: betas bring their own blocks and tools.
    """

    def check(value: Any, path: str, betas: Betas) -> None:
        if not isinstance(value, dict):
            fail(path, "Input should be an object")
        tag = value.get("type", default)
        if tag is None:
            fail(f"{path}.type", "Field required")
        case = cases.get(tag) if isinstance(tag, str) else None
        if case is not None:
            case(value, f"{path}.{tag}", betas)
        elif not (betas and isinstance(tag, str)):
            names = ", ".join(f"'{name}'" for name in cases)
            fail(
                path,
                f"Input tag '{tag}' found using 'type' does not match "
                f"any of the expected tags: {names}",
            )

    return check
