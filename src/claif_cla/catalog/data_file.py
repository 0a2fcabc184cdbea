"""Reading `models.json`, the reviewed facts, once and on first use.

Form of the file:

    sources   short name -> {title, date (of the source), checked (when it was read)}
    rules     `newest_generation` and `foreign`: facts for names that the catalogue does not list
    models    [{id, aliases, facts}], newest first, the retired ones last

Each fact is `{value, source}`. A fact that nobody has published has the value null and an
`assume` beside it: what we do until it is known. Where sources disagree, or a date has passed
without anything happening, a `note` says so. A fact that is absent does not apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from claif_cla.catalog.records import ModelInfo, Thinking
from claif_cla.wire import json_text

__all__ = ["Catalogue", "catalogue", "parse", "undated"]

_THINKING = ("types", "default", "display", "max_effort")
_TUPLES = frozenset({"effort_levels"})


class Catalogue(NamedTuple):
    """The whole file, read.

    Attributes:
        models: newest first, the retired ones last.
        by_name: every id and alias.
        by_undated: ids and aliases without their date, where that names one model only.
        newest_generation: the rules for a Claude id that is not listed.
        foreign: the rules for any other name.
    """

    models: tuple[ModelInfo, ...]
    by_name: Mapping[str, ModelInfo]
    by_undated: Mapping[str, ModelInfo]
    newest_generation: ModelInfo
    foreign: ModelInfo


@cache
def catalogue() -> Catalogue:
    """The shipped catalogue; read on the first call. Two threads may read it twice, no more."""
    from importlib.resources import files  # noqa: PLC0415 - with 3.10 nobody else has loaded it

    data = files("claif_cla.catalog").joinpath("models.json").read_bytes()
    return parse(json_text.load(data))


def parse(document: Mapping[str, Any]) -> Catalogue:
    """Turn the file's content into records.

    Raises:
        ValueError: a source is missing, a name occurs twice, or a fact is unknown.
    """
    sources = {
        name: f"{entry['title']} ({entry['date']}; checked {entry['checked']})"
        for name, entry in document["sources"].items()
    }
    models = tuple(
        _record(entry["facts"], sources, id=entry["id"], aliases=tuple(entry["aliases"]))
        for entry in document["models"]
    )
    rules = document["rules"]
    outside = {"known": False, "lifecycle": "unknown", "id": "", "display_name": ""}
    return Catalogue(
        models=models,
        by_name=MappingProxyType(_by_name(models)),
        by_undated=MappingProxyType(_by_undated(models)),
        newest_generation=_record(rules["newest_generation"], sources, **outside),
        foreign=_record(rules["foreign"], sources, **outside, family="foreign"),
    )


def _record(facts: Mapping[str, Any], sources: Mapping[str, str], **fixed: Any) -> ModelInfo:
    known: dict[str, Any] = {}
    thinking: dict[str, Any] = {}
    origin: dict[str, str] = {}
    assumed: set[str] = set()
    for name, fact in facts.items():
        if fact["source"] not in sources:
            raise ValueError(f"{fixed['id']}: `{name}` has no source `{fact['source']}`")
        origin[name] = sources[fact["source"]]
        if "assume" in fact:
            assumed.add(name)
        value = _frozen(name, fact["assume"] if "assume" in fact else fact["value"])
        kind = name.removeprefix("thinking_")
        if kind != name and kind in _THINKING:
            thinking[kind] = value
        elif name in ModelInfo._fields:
            known[name] = value
        else:
            raise ValueError(f"{fixed['id']}: there is no fact `{name}`")
    return ModelInfo(
        **{**fixed, **known},
        thinking=Thinking(**thinking),
        sources=MappingProxyType(origin),
        assumed=frozenset(assumed),
    )


def _frozen(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType(value)
    if isinstance(value, list):
        return tuple(value) if name in _TUPLES else frozenset(value)
    return value


def _by_name(models: tuple[ModelInfo, ...]) -> dict[str, ModelInfo]:
    names: dict[str, ModelInfo] = {}
    for model in models:
        for name in (model.id, *model.aliases):
            if name in names:
                raise ValueError(f"`{name}` names both {names[name].id} and {model.id}")
            names[name] = model
    return names


def _by_undated(models: tuple[ModelInfo, ...]) -> dict[str, ModelInfo]:
    owners: dict[str, set[str]] = {}
    found: dict[str, ModelInfo] = {}
    for model in models:
        for name in (model.id, *model.aliases):
            stem = undated(name)
            owners.setdefault(stem, set()).add(model.id)
            found[stem] = model
    return {stem: found[stem] for stem, ids in owners.items() if len(ids) == 1}


def undated(name: str) -> str:
    """`name` without a date of eight digits or `latest` at its end."""
    stem, dash, tail = name.rpartition("-")
    is_date = len(tail) == 8 and tail.isascii() and tail.isdigit()
    return stem if dash and (is_date or tail == "latest") else name
