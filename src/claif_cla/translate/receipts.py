"""Receipts: what was honoured in another form, left out, or refused, and by which mode.

Three verbs, one for each of the classes that the contract knows. What `compat` makes of them:

| verb     | `strict` | `adapt` | `lenient` |
|----------|----------|---------|-----------|
| `adapt`  | refusal  | receipt | receipt   |
| `drop`   | refusal  | receipt | receipt   |
| `refuse` | refusal  | refusal | receipt   |

What no mode can send (a malformed value, a request with no message left) is raised as a
`Refusal` where it is found.

`param` is the exact place, `messages[3].name`, in every refusal. Of what is adapted or dropped, one
receipt stands for all such places: `messages[].name`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal

from claif_cla.errors import Refusal

__all__ = ["MAX_RECEIPTS", "Action", "Compat", "Receipts"]

Compat = Literal["strict", "adapt", "lenient"]
Action = Literal["adapted", "dropped"]

MAX_RECEIPTS = 100
"""Bound of the receipts of one call; a history of thousands of messages could hold more."""

_MAX_NAME, _MAX_PARAM = 64, 128
_INDEX = r"\[\d+\]"
_NOT_IN_HEADERS = r"[^!-~]|[,=]"
"""What may not stand in a name there: names of fields that nobody knows are anybody's words."""


class Receipts:
    """Collects the receipts of one call, each only once, in the order they arose."""

    def __init__(self, compat: Compat = "adapt") -> None:
        self.compat: Compat = compat
        self._entries: dict[tuple[str, str, str], None] = {}

    def adapt(self, param: str, detail: str) -> None:
        """`param` is honoured by a near equivalent. Raises `Refusal` in `strict`."""
        self._record(param, "adapted", detail)

    def drop(self, param: str, detail: str) -> None:
        """`param` only tunes or labels and is left out. Raises `Refusal` in `strict`."""
        self._record(param, "dropped", detail)

    def refuse(
        self,
        param: str,
        detail: str,
        *,
        code: str = "unsupported_parameter",
        lenient: Action = "dropped",
    ) -> None:
        """`param` would change the answer's meaning or shape: only `lenient` goes on without it."""
        if self.compat != "lenient":
            advice = f" Leave it out, or use compat='lenient' to have it {lenient}."
            raise Refusal(f"`{param}`: {detail}{advice}", param=param, code=code)
        self._note(param, lenient, detail)

    def unread(self, given: Mapping[str, Any], read: Collection[str], at: str) -> None:
        """Drop the fields of `given` that nobody reads; null and empty arrays say nothing.

        Args:
            given: an object of the caller's.
            read: the fields that are read.
            at: its place.
        """
        for name, value in given.items():
            if name not in read and value is not None and value != []:
                detail = "Claude has no place for this field."
                self.drop(f"{at}.{str(name)[:_MAX_NAME]}", detail)

    def _record(self, param: str, action: Action, detail: str) -> None:
        if self.compat == "strict":
            advice = f"leave it out, or use compat='adapt' to have it {action}."
            message = f"`{param}`: {detail} compat='strict' refuses that; {advice}"
            raise Refusal(message, param=param, code="unsupported_value")
        self._note(re.sub(_INDEX, "[]", param), action, detail)

    def _note(self, param: str, action: Action, detail: str) -> None:
        if len(self._entries) < MAX_RECEIPTS:
            self._entries[param, action, detail] = None

    @property
    def entries(self) -> tuple[dict[str, str], ...]:
        """The receipts as they stand in `response.adaptations`."""
        if not self._entries:
            return ()
        return tuple(
            {"param": param, "action": action, "detail": detail}
            for param, action, detail in self._entries
        )

    @property
    def header(self) -> str:
        """The value of `x-claif-adapted`: `temperature=dropped, user=adapted`; may be empty."""
        pairs = dict.fromkeys(
            f"{re.sub(_NOT_IN_HEADERS, '?', param)[:_MAX_PARAM]}={action}"
            for param, action, _ in self._entries
        )
        return ", ".join(pairs)
