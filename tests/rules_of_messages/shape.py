"""The shape of a Messages request, from the parameter types of the installed `anthropic` SDK.

The SDK's types are meant for its users: they allow unknown keys, lazy iterables, open files and
response models. The copies made here are what may stand in a JSON body, with pydantic in strict
mode and no key that the SDK does not name.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typing_extensions as te
from anthropic.types import message_create_params
from anthropic.types.beta import message_create_params as beta_message_create_params
from pydantic import BaseModel, ConfigDict, Discriminator, Tag, TypeAdapter, ValidationError

__all__ = ["misfits"]

_SENT_AS_HEADERS = {"betas", "user_profile_id", "workspace_id"}
"""Arguments of the SDK's `create` that are no part of the body."""

_WRAPPERS = (te.Required, te.NotRequired)
_LISTS = {list, Iterable, Sequence}


def misfits(body: Mapping[str, Any], *, beta: bool) -> list[str]:
    """Where the body does not have the shape of the API, as `path: what is wrong`."""
    try:
        _adapter(beta, body.get("stream") is True).validate_python(body, strict=True)
    except ValidationError as error:
        return [
            f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_context=False)
        ]
    return []


@functools.cache
def _adapter(beta: bool, streaming: bool) -> TypeAdapter[Any]:
    source = beta_message_create_params if beta else message_create_params
    params = (
        source.MessageCreateParamsStreaming if streaming else source.MessageCreateParamsNonStreaming
    )
    return TypeAdapter(_closed(params, without=frozenset(_SENT_AS_HEADERS)))


@functools.cache
def _closed(original: Any, without: frozenset[str] = frozenset()) -> Any:
    """A copy of a TypedDict that takes no unknown keys, unless the SDK says that it may."""
    fields: dict[str, Any] = {}
    for name, hint in te.get_type_hints(original, include_extras=True).items():
        if name in without:
            continue
        wrapper = get_origin(hint)
        inner = get_args(hint)[0] if wrapper in _WRAPPERS else hint
        # With postponed annotations `__required_keys__` misses those that say `Required[…]`.
        required = wrapper is te.Required or (
            name in original.__required_keys__ and wrapper is not te.NotRequired
        )
        fields[name] = (te.Required if required else te.NotRequired)[_json_type(inner)]
    copy: Any = te.TypedDict(original.__name__, fields)  # type: ignore[misc,operator]
    told = getattr(original, "__pydantic_config__", {})
    open_ended = getattr(original, "__extra_items__", te.NoExtraItems) is not te.NoExtraItems
    extra = "allow" if open_ended else told.get("extra", "forbid")
    copy.__pydantic_config__ = ConfigDict(extra=extra, strict=True)
    return copy


def _json_type(hint: Any) -> Any:
    """The hint as JSON can express it."""
    if te.is_typeddict(hint):
        return _closed(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _json_type(arguments[0])
    if origin in (Union, types.UnionType):
        return _union([_json_type(choice) for choice in arguments if _is_json(choice)])
    if origin in _LISTS:
        return list[_json_type(arguments[0])]  # type: ignore[misc]
    if origin is dict:
        return dict[arguments[0], _json_type(arguments[1])]  # type: ignore[misc,valid-type]
    return hint


def _is_json(hint: Any) -> bool:
    """False for what the SDK takes from its users but never sends as it is."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _is_json(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return any(_is_json(choice) for choice in get_args(hint))
    if origin in (None, Literal):
        is_class = isinstance(hint, type)
        return te.is_typeddict(hint) or not (
            is_class and (issubclass(hint, BaseModel) or hint.__module__ in ("os", "io"))
        )
    return origin in _LISTS | {dict}


def _union(choices: list[Any]) -> Any:
    """A union that looks at `type` (or `role`) first: quicker, and its errors are readable."""
    shapes = [choice for choice in choices if te.is_typeddict(choice)]
    others = [choice for choice in choices if not te.is_typeddict(choice)]
    for key in ("type", "role"):
        tagged = _by_tag(shapes, key)
        if tagged is not None:
            return Union[(*others, tagged)] if others else tagged
    return Union[tuple(choices)]  # noqa: UP007  # built at run time


def _by_tag(shapes: list[Any], key: str) -> Any:
    tags = {shape: _tags(shape, key) for shape in shapes}
    every = [tag for found in tags.values() for tag in found]
    if len(shapes) < 2 or not all(tags.values()) or len(every) != len(set(every)):
        return None
    choices = [Annotated[shape, Tag(tag)] for shape, found in tags.items() for tag in found]

    def tag_of(value: Any) -> str | None:
        return str(value.get(key)) if isinstance(value, Mapping) else None

    every_choice = Union[tuple(choices)]  # noqa: UP007  # built at run time
    return Annotated[every_choice, Discriminator(tag_of)]


def _tags(shape: Any, key: str) -> list[str]:
    """The values of `key` in this shape; `None` among them if it may be left out."""
    hint = te.get_type_hints(shape, include_extras=True).get(key)
    if hint is None:
        return []
    required = get_origin(hint) is te.Required
    inner = get_args(hint)[0]
    literals = [inner, *get_args(inner)] if get_origin(inner) is not Literal else [inner]
    values = [
        v for literal in literals if get_origin(literal) is Literal for v in get_args(literal)
    ]
    return [*values, *([] if required else ["None"])] if values else []
