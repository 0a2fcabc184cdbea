"""Whether openai's methods are openai's own, as they stand at this moment.

Instrumentation replaces them, before or after we were imported, with functions or with proxies, and
takes itself away again. Programs override them in classes of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from operator import is_
from types import FunctionType, MappingProxyType
from typing import Any, NamedTuple

__all__ = ["HOOKS", "is_stock", "keeps_hooks"]


def is_stock(function: Any) -> bool:
    """Whether a function is openai's own, and not somebody's wrapper around it."""
    return _is_from("openai", function) and _is_from(
        "openai", getattr(function, "__wrapped__", function)
    )


def _is_from(package: str, function: Any) -> bool:
    # By `type`, as a proxy claims the class, the hash and the equality of what it wraps; and by
    # the code, as `functools.wraps` copies all names.
    return type(function) is FunctionType and _lies_in(package, function.__code__.co_filename)


@lru_cache(maxsize=256)
def _lies_in(package: str, file: str) -> bool:
    return file.startswith(str(import_module(package).__file__).rpartition("__init__")[0])


HOOKS = (
    *("_build_request", "_prepare_options", "_prepare_request", "_prepare_url"),
    *("_make_sse_decoder", "_process_response", "_process_response_data", "_send_request"),
    *("auth_headers", "post", "request"),
)
_MAX_KINDS = 64


_standing: Any = MappingProxyType.get
"""What stands in a class under a name; of the type, so that `map` needs no Python code."""


class _Look(NamedTuple):
    """At the hooks of a class: where they can stand, what stood there, and whether it is ours."""

    owners: Sequence[Any]
    names: Sequence[str]
    then: Sequence[Any]
    ours: bool

    def still_holds(self) -> bool:
        return all(map(is_, self.then, map(_standing, self.owners, self.names)))


_LOOKS: dict[type, _Look] = {}


def keeps_hooks(client: Any) -> bool:
    """Whether a client has the hooks that openai, or this package, gave it, and no others."""
    look = _LOOKS.get(type(client))
    # By identity, in every call, along the whole line of classes: patches come and go.
    if look is None or not look.still_holds():
        look = _look_at(type(client))
    return look.ours and vars(client).keys().isdisjoint(HOOKS)


def _look_at(kind: type) -> _Look:
    # Without `object`, which nobody can patch.
    places = [(vars(owner), name) for owner in kind.__mro__[:-1] for name in HOOKS]
    owners, names = zip(*places, strict=True)
    then = [*map(_standing, owners, names)]
    functions = [hook.fget if isinstance(hook, property) else hook for hook in then]
    ours = all(
        one is None or _is_from("openai", one) or _is_from("claif_cla", one) for one in functions
    )
    if len(_LOOKS) >= _MAX_KINDS:
        _LOOKS.clear()
    look = _LOOKS[kind] = _Look(owners, names, then, ours)
    return look
