"""The four things that can become of a parameter, and how a rule is applied.

A table maps each parameter to one rule. `Convert` gives a *patch*: a piece of the Messages
request that is merged into it at any depth, so that several parameters may write the same
object, in any order, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from claif_cla.translate.receipts import Receipts

__all__ = [
    "Convert",
    "Elsewhere",
    "Fate",
    "Form",
    "Patch",
    "Refuse",
    "Rule",
    "Tune",
    "apply",
    "merge",
    "refuse_unknown",
]

Patch: TypeAlias = dict[str, Any]
Form: TypeAlias = Callable[[Any, str], object]
"""A check of `claif_cla.translate.checks`: raises `Refusal` for a value of another type."""
_Context = TypeVar("_Context")
_UNKNOWN = "Neither OpenAI nor Anthropic has a parameter of this name."

Fate = Literal["honoured", "adapted", "dropped", "refused"]
"""What a user may expect in the default mode, `compat="adapt"`; for the documentation."""


class Convert(Generic[_Context]):
    """The parameter has a place in the Messages request; `by(value, context)` finds it."""

    def __init__(
        self, by: Callable[[Any, _Context], Patch], note: str, fate: Fate = "honoured"
    ) -> None:
        self.by = by
        self.note = note
        self.fate: Fate = fate


class _Left:
    """It has no place in the Messages request."""

    def __init__(self, note: str, form: Form, neutral: tuple[Any, ...] = ()) -> None:
        self.note = note
        self.form = form
        self.neutral = neutral


class Tune(_Left):
    """It only tunes or labels: left out with a receipt, but for `neutral` values silently.

    What is no value of the `form` is refused in every mode: OpenAI would refuse it too.
    """

    fate: Fate = "dropped"


class Refuse(_Left):
    """Leaving it out would change the answer: refused, but for `neutral` values."""

    fate: Fate = "refused"


class Elsewhere:
    """Read where it belongs, outside the table: it concerns the whole call."""

    fate: Fate = "honoured"

    def __init__(self, note: str) -> None:
        self.note = note


Rule: TypeAlias = Convert[_Context] | Tune | Refuse | Elsewhere


def apply(
    rule: Rule[_Context], name: str, value: Any, context: _Context, receipts: Receipts
) -> Patch:
    """The patch of one parameter; empty where it has none. Raises `Refusal`."""
    if isinstance(rule, Convert):
        return rule.by(value, context)
    if isinstance(rule, Elsewhere):
        return {}
    rule.form(value, name)
    if _is_neutral(value, rule.neutral):
        return {}
    if isinstance(rule, Tune):
        receipts.drop(name, rule.note)
    else:
        receipts.refuse(name, rule.note)
    return {}


def _is_neutral(value: Any, neutral: tuple[Any, ...]) -> bool:
    if isinstance(value, tuple):  # an array too, in a request that did not come as JSON text
        value = list(value)
    # `True == 1` in Python; in JSON they are two.
    return any(
        isinstance(value, bool) is isinstance(item, bool) and value == item for item in neutral
    )


def refuse_unknown(
    given: Mapping[str, Any], known: Collection[str], at: str, receipts: Receipts
) -> None:
    """Refuse what neither API has a field for; a mistyped name must not be lost.

    Args:
        given: an object of the caller's.
        known: the names that it may have.
        at: its path; empty for the request itself.
        receipts: of the call.
    """
    for name in sorted(given.keys() - known):
        if given[name] is not None:
            where = f"{at}.{name}" if at else name
            receipts.refuse(where, _UNKNOWN, code="unknown_parameter")


def merge(body: Patch, patch: Mapping[str, Any]) -> None:
    """Merge `patch` into `body` in place: objects at any depth, anything else replaces."""
    for key, value in patch.items():
        mine = body.get(key)
        if isinstance(mine, dict) and isinstance(value, Mapping):
            merge(mine, value)
        else:
            body[key] = dict(value) if isinstance(value, Mapping) else value
