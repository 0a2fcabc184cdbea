"""What a configuration may hold by mistake, though it is valid: for `--check` to say."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from claif_cla.catalog.model_info import all_models, lookup
from claif_cla.catalog.names import SHORT_NAMES
from claif_cla.gateway.config.sections import Config

__all__ = ["doubts"]

_NEAR = 0.75
"""How much two names have in common where one may be meant by the other, from 0 to 1."""


def doubts(config: Config) -> list[str]:
    """Names of models that look like slips of a known one; each with its place.

    A name that the catalogue does not know is no error: a newer model, or one of another maker
    behind a proxy, has such a name too.
    """
    known = [*SHORT_NAMES, *(model.id for model in all_models()), *config.models.aliases]
    return [
        f"{place}: `{name}` is no model that is known here; did you mean `{near[0]}`?"
        for place, name in _named(config)
        if name not in known
        and not lookup(name).known
        and (near := get_close_matches(name, known, 1, _NEAR))
    ]


def _named(config: Config) -> Iterator[tuple[str, str]]:
    models = config.models
    if models.default is not None:
        yield "models.default", models.default
    for alias, name in models.aliases.items():
        yield f"models.aliases.{alias}", name
    for name, then in models.fallbacks.items():
        yield "models.fallbacks", name
        for other in then:
            yield f"models.fallbacks.{name}", other
