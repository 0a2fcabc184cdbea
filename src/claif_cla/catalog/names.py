"""Which model a call means: aliases of the user, short names, and retired ids.

Pure: environment and configuration come in as arguments. The name that leaves here is the one
that is sent; only an alias, a short name or, on Anthropic's own API, a retired id changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from claif_cla.catalog.model_info import ModelInfo, lookup, newest_of_line
from claif_cla.errors import Refusal

__all__ = ["DEFAULT_LINE", "SHORT_NAMES", "Resolution", "resolve"]

SHORT_NAMES = ("opus", "sonnet", "haiku", "fable")
"""Lines that may be named alone and then mean their newest active model."""

DEFAULT_LINE = "sonnet"
"""The line that answers where neither the call nor the client names a model."""


class Resolution(NamedTuple):
    """The outcome of `resolve`.

    Attributes:
        model_id: the name to send.
        info: the facts for it.
        notes: adaptations, each with `param` and `detail`; not empty only where another model
            answers than the one that was named.
        deprecation: a sentence for a warning, where the model still answers but will be
            retired; not an adaptation.
    """

    model_id: str
    info: ModelInfo
    notes: tuple[Mapping[str, str], ...] = ()
    deprecation: str | None = None


def resolve(
    name: object,
    *,
    aliases: Mapping[str, str] | None = None,
    default: str | None = None,
    official: bool,
    find: Callable[[str], ModelInfo] = lookup,
) -> Resolution:
    """Decide which model answers.

    1. No name: `default`; no default: the newest active Sonnet.
    2. The user's aliases, one hop: what an alias names is not looked up among them again, so
       neither a loop nor an alias to itself does harm.
    3. Short names (`SHORT_NAMES`): the newest active model of the line.
    4. On Anthropic's own API, a retired id: its successor, with a note. Elsewhere a retired id
       goes through untouched: a proxy, Bedrock or Vertex may well serve it, and the dates of
       the catalogue are those of Anthropic's API.
    5. Anything else goes through untouched, also names of other makers: the server answers.

    Args:
        name: the call's `model`; None where the call has none.
        aliases: the client's `model_aliases`.
        default: the client's `default_model`, or what its environment says.
        official: whether the call goes to Anthropic's own API.
        find: where facts come from; a catalogue refined at run time may stand in.

    Raises:
        Refusal: the name is no string or empty (`param` is `model`, `code` is `invalid_value`).
    """
    if name is None:
        name = newest_of_line(DEFAULT_LINE).id if default is None else default
    wanted = _checked(name, "`model`")
    if aliases and wanted in aliases:
        wanted = _checked(aliases[wanted], f"The alias of `{wanted}` in `model_aliases`")
    if wanted in SHORT_NAMES:
        wanted = newest_of_line(wanted).id
    info = find(wanted)
    if not official:
        return Resolution(wanted, info)
    if info.lifecycle == "retired" and info.replacement is not None:
        return _successor(wanted, info, find(info.replacement))
    return Resolution(wanted, info, deprecation=_deprecation(wanted, info))


def _checked(name: object, what: str) -> str:
    if not isinstance(name, str):
        raise Refusal(
            f"{what} must be a string, such as `sonnet` or a full id; got {type(name).__name__}.",
            param="model",
            code="invalid_value",
        )
    if not name.strip():
        raise Refusal(
            f"{what} must not be empty; name a model, such as `sonnet`, or leave it out.",
            param="model",
            code="invalid_value",
        )
    return name


def _successor(wanted: str, retired: ModelInfo, successor: ModelInfo) -> Resolution:
    when = f" on {retired.retires_at}" if retired.retires_at else ""
    detail = f"`{wanted}` was retired{when}; `{successor.id}` answers instead"
    note = MappingProxyType({"param": "model", "detail": detail})
    return Resolution(successor.id, successor, notes=(note,))


def _deprecation(wanted: str, info: ModelInfo) -> str | None:
    if info.lifecycle != "deprecated":
        return None
    when = f"; its retirement is scheduled for {info.retires_at}" if info.retires_at else ""
    then = f". Its successor is `{info.replacement}`." if info.replacement else "."
    return f"`{wanted}` is deprecated{when}{then}"
