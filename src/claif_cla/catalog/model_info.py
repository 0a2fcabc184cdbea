"""Facts about models: the record, and the rules that find one for a name.

The facts are data (`models.json`, reviewed, with source and date); nothing else in the package
looks at a model's name. What a name means when a call is made (aliases, short names, retired
ids) is decided in `claif_cla.catalog.names`; what the API itself says at run time is laid over
these facts in `claif_cla.catalog.live`.
"""

from __future__ import annotations

from claif_cla.catalog.data_file import catalogue
from claif_cla.catalog.records import EFFORT_LEVELS, THINKING_TYPES, ModelInfo, Thinking
from claif_cla.catalog.spellings import claude_part, is_bare_claude, spellings

__all__ = [
    "EFFORT_LEVELS",
    "THINKING_TYPES",
    "ModelInfo",
    "Thinking",
    "active_models",
    "all_models",
    "lookup",
    "newest_of_line",
]


def lookup(model: str) -> ModelInfo:
    """The facts for `model`; never fails.

    1. An id or alias of the catalogue, in any spelling that `catalog.spellings` knows
       (prefixes of routers, Bedrock and Vertex forms, dated and undated, swapped order).
       A date that the catalogue does not know is taken for a snapshot of the same model.
    2. Another `claude-…` id, bare or behind `anthropic/`, `anthropic.` or `claude/`: a newer
       Claude, so the newest generation's rules, under its own name, `known` false and
       lifecycle `unknown`.
    3. Any other name: a model of another maker, family `foreign`, to which every parameter is
       passed as given. Its `max_output_tokens` is 16384, which serves where a request names
       none: enough for an answer with reasoning in front, and half of the 32k window with
       which local servers commonly run, so that a prompt still fits beside it.
    """
    data = catalogue()
    found = data.by_name.get(model)
    if found is not None:
        return found
    part = claude_part(model)
    if part:
        for name in spellings(part):
            found = data.by_name.get(name) or data.by_undated.get(name)
            if found is not None:
                return found
    rules = data.newest_generation if is_bare_claude(model) else data.foreign
    return rules._replace(id=model, display_name=model)


def all_models() -> tuple[ModelInfo, ...]:
    """Every model of the catalogue, newest first, the retired ones last."""
    return catalogue().models


def active_models() -> tuple[ModelInfo, ...]:
    """The models that answer today, newest first: the active and the deprecated ones."""
    return tuple(model for model in all_models() if model.lifecycle != "retired")


def newest_of_line(line: str) -> ModelInfo:
    """The newest active model of a line that anyone may call.

    Deprecated and restricted models do not count, so there is none for `mythos`.

    Raises:
        KeyError: no such line.
    """
    for model in all_models():
        if model.line == line and model.lifecycle == "active" and not model.restricted:
            return model
    raise KeyError(line)
