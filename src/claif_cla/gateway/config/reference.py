"""The configuration reference, as a Markdown table printed from the sections."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticUndefined

from claif_cla.gateway.config.known import Key, known_keys, type_in_words

__all__ = ["reference"]

_HEAD = ("key", "type", "default", "environment variable", "meaning")
_STATE_FILES = {"keys.file": "`keys.db`", "ledger.file": "`ledger.db`"}
_WHOLE = {
    "accounts": "The keys for upstream; without any, `ANTHROPIC_API_KEY` or"
    " `ANTHROPIC_AUTH_TOKEN` is one named `default`.",
    "prices": "US dollars per million tokens, by model (patterns) and kind of token, in place of"
    " the catalogue's.",
}


def reference() -> str:
    """A row for each key."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(_row(key) for key in known_keys())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(key: Key) -> tuple[str, ...]:
    words = type_in_words(key.field.annotation, tuple(key.field.metadata))
    meaning = key.field.description or _WHOLE[key.name]
    variable = f"`{key.variable}`" if key.variable else "–"
    return (f"`{key.name}`", words, _default(key), variable, meaning)


def _default(key: Key) -> str:
    if key.name in _STATE_FILES:  # depends on the environment
        return f"{_STATE_FILES[key.name]} in the state directory"
    default: Any = key.field.get_default(call_default_factory=False)
    if default is PydanticUndefined:
        return "must be given"
    return "unset" if default is None else f"`{_as_toml(default)}`"


def _as_toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[]"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}" if value >= 10_000 else str(value)
    return json.dumps(value)
