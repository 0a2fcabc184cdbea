"""What is wrong with a configuration: where, what, and what was probably meant. Never a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic_core import ErrorDetails

from claif_cla.gateway.config.known import keys_below, known_keys, section_of
from claif_cla.gateway.config.sections import PriceKind

__all__ = ["MAX_PROBLEMS", "ConfigError", "dotted", "nearest", "problem_in", "shown", "unknown_key"]

MAX_PROBLEMS = 50
"""More are counted only: whoever passes the wrong file need not read all of it again."""
_SHOWN_CHARACTERS = 80


class ConfigError(Exception):
    """The configuration is not usable.

    Args:
        problems: each one line that says where, what, and what to do; no secret in any.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        found = list(problems)
        more = len(found) - MAX_PROBLEMS
        self.problems = (*found[:MAX_PROBLEMS], *([f"and {more} more"] if more > 0 else []))
        super().__init__("\n".join(self.problems))


def shown(name: str, longest: int = _SHOWN_CHARACTERS) -> str:
    """A name that somebody else chose, fit for one line."""
    text = "".join(character if character.isprintable() else "?" for character in name)
    return text if len(text) <= longest else f"{text[:longest]}…"


def nearest(name: str, among: Iterable[str]) -> str | None:
    """The one that was probably meant, if any is near."""
    close = get_close_matches(name[:_SHOWN_CHARACTERS], list(among), n=1, cutoff=0.6)
    return close[0] if close else None


def dotted(path: Sequence[str | int]) -> str:
    """`("accounts", 0, "name")` as `accounts[0].name`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shown(part)}" if text else shown(part)
    return text


def unknown_key(path: Sequence[str | int]) -> str:
    """What to say about a key that there is not; the nearest one first looked for beside it."""
    *above, last = path
    section = _generic(above)
    name, here = str(last), keys_below(section)
    beside = nearest(name, here)
    if beside:
        return f"unknown key; the nearest known one is `{dotted((*above, beside))}`"
    elsewhere = [key.name for key in known_keys() if key.variable]
    same = [known for known in elsewhere if known.rpartition(".")[2] == name]
    meant = same[0] if same else nearest(dotted(path), elsewhere)
    if meant:
        return f"unknown key; the nearest known one is `{meant}`"
    return f"unknown key; known here: {', '.join(here)}"


def problem_in(details: ErrorDetails) -> tuple[tuple[str | int, ...], str]:
    """The path and the words for what pydantic found."""
    path, kind, context = details["loc"], details["type"], details.get("ctx", {})
    if path and path[-1] == "[key]":
        return path[:-1], _of_a_key(path[:-1])
    if kind == "extra_forbidden":
        return path, unknown_key(path)
    if kind == "missing":
        return path, "is missing"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return path, "should be a table"
    if kind == "value_error":
        return path, str(context["error"])
    return path, _plainly(kind, details["msg"], context)


def _plainly(kind: str, message: str, context: dict[str, Any]) -> str:
    if kind == "string_pattern_mismatch":
        return "should be made of letters, digits, `.`, `_` and `-`, 64 at most"
    if kind == "literal_error":
        return f"should be {context['expected']}"
    text = (
        message.replace("Input should", "should")
        .replace("a valid integer", "an integer")
        .replace("a valid ", "a ")
    )
    words = {"a tuple": "a list", "a array": "a list", "a string": "text", "an array": "a list"}
    for theirs, ours in words.items():
        text = text.replace(theirs, ours)
    return text[0].lower() + text[1:]


def _of_a_key(path: Sequence[str | int]) -> str:
    if path[0] == "prices" and len(path) > 2:
        kinds = get_args(PriceKind)
        near = nearest(str(path[-1]), kinds)
        if near:
            return f"unknown kind of token; the nearest known one is `{near}`"
        return f"unknown kind of token; known are {', '.join(kinds)}"
    return "should be a name of 1 to 200 characters"


def _generic(path: Sequence[str | int]) -> tuple[str, ...]:
    """The path of the section, as `known` writes it: `("accounts[]",)` for `("accounts", 0)`."""
    found: list[str] = []
    for part in path:
        if isinstance(part, int):
            found[-1:] = [f"{found[-1]}[]"]
        else:
            found.append(part)
    generic = tuple(found)
    return generic if section_of(generic) else ()
