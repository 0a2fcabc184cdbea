"""Every key of the configuration, read off the sections: path, variable, type, meaning."""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from claif_cla.gateway.config.sections import Config, Section

__all__ = [
    "CONFIG_VARIABLE",
    "PREFIX",
    "Key",
    "keys_below",
    "known_keys",
    "plain_type",
    "section_of",
    "type_in_words",
    "variables",
]

PREFIX = "CLAIF_CLA_GATEWAY_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
"""Names the file itself, where no flag does; no key."""


class Key(NamedTuple):
    """One key.

    Attributes:
        path: such as `("server", "port")`; the keys of a list's tables have `[]` on its name.
        variable: the environment variable; None for keys of such tables: the whole list is one.
        field: what pydantic knows of it.
    """

    path: tuple[str, ...]
    variable: str | None
    field: FieldInfo

    @property
    def name(self) -> str:
        """As messages write it: `server.port`."""
        return ".".join(self.path)


@cache
def known_keys() -> tuple[Key, ...]:
    """All keys, in the order of the sections."""
    return tuple(_keys(Config, ()))


def _keys(section: type[BaseModel], above: tuple[str, ...]) -> list[Key]:
    found = []
    for name, field in section.model_fields.items():
        path = (*above, name)
        inner = _section_in(field.annotation)
        if inner and not get_args(field.annotation):
            found += _keys(inner, path)
            continue
        in_list = any(part.endswith("[]") for part in above)
        found.append(Key(path, None if in_list else PREFIX + "__".join(path).upper(), field))
        if inner:
            found += _keys(inner, (*above, f"{name}[]"))
    return found


def _section_in(annotation: Any) -> type[Section] | None:
    """The section that an annotation is, or is a list of."""
    for one in (annotation, *get_args(annotation)):
        # To Python 3.10 `tuple[X]` is a type as well.
        if get_origin(one) is None and isinstance(one, type) and issubclass(one, Section):
            return one
    return None


@cache
def variables() -> Mapping[str, Key]:
    """The keys by environment variable."""
    return {key.variable: key for key in known_keys() if key.variable}


def section_of(path: tuple[str, ...]) -> type[Section] | None:
    """The section at a path: `Server` at `("server",)`, `Account` at `("accounts[]",)`."""
    section: type[Section] | None = Config
    for part in path:
        field = section.model_fields.get(part.removesuffix("[]")) if section else None
        section = _section_in(field.annotation) if field else None
    return section


def keys_below(path: tuple[str, ...]) -> list[str]:
    """The names of the keys in the section at a path."""
    section = section_of(path)
    return list(section.model_fields) if section else []


_PLAIN: Mapping[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret",
}


def plain_type(annotation: Any) -> Any:
    """What an annotation comes to, without `None` and what pydantic checks besides.

    Returns:
        One of `bool`, `int`, `float`, `str`, `tuple`, `dict`, `Path`, or a `Literal[…]`.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        return plain_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        (one,) = (arg for arg in get_args(annotation) if arg is not type(None))
        return plain_type(one)
    return annotation if origin in (None, Literal) else origin


def type_in_words(annotation: Any, bounds: tuple[Any, ...] = ()) -> str:
    """For the reference and for complaints: `integer, 0 to 65535`, `list of text`."""
    plain = plain_type(annotation)
    if get_origin(plain) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(plain))
    if plain is tuple:
        (of, *_) = get_args(annotation)
        return "list of tables" if _section_in(annotation) else f"list of {type_in_words(of)}"
    if plain is dict:
        _, of = get_args(annotation)
        return f"table of {type_in_words(of).replace('table of', 'tables of')}"
    return _PLAIN[plain] + _range(bounds or _bounds(annotation))


def _bounds(annotation: Any) -> tuple[Any, ...]:
    """What stands beside the type inside `X | None`."""
    found: list[Any] = []
    for arg in (annotation, *get_args(annotation)):
        if get_origin(arg) is Annotated:
            for one in get_args(arg)[1:]:
                found += one.metadata if isinstance(one, FieldInfo) else [one]
    return tuple(found)


def _range(bounds: tuple[Any, ...]) -> str:
    low = next((one.ge for one in bounds if isinstance(one, Ge)), None)
    above = next((one.gt for one in bounds if isinstance(one, Gt)), None)
    high = next((one.le for one in bounds if isinstance(one, Le)), None)
    if high is None:
        return ""
    return f", {low} to {high}" if above is None else f", above {above}, to {high}"
