"""What a rewrite tells its caller: short sentences, and keywords retold in a description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["MAX_NOTES", "Notes", "Unusable", "describe", "shown"]

MAX_NOTES = 20
"""Notes travel in a response header, so there is an end to them."""

_MAX_SHOWN = 80


class Unusable(Exception):  # noqa: N818
    """No form of this schema can be sent. The public functions turn it into a `Refusal`.

    Args:
        message: what is wrong, where, and what to do.
        code: OpenAI's error code.
    """

    def __init__(self, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Notes:
    """Sentences in the order in which they were found, each once."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    def add(self, text: str) -> None:
        """Remember `text`, unless it is known already."""
        self._texts.setdefault(text)

    def finish(self) -> tuple[str, ...]:
        """The notes, at most `MAX_NOTES`; the last one then counts those left out."""
        texts = tuple(self._texts)
        if len(texts) <= MAX_NOTES:
            return texts
        kept = MAX_NOTES - 1
        return (*texts[:kept], f"… and {len(texts) - kept} more")


def shown(path: str) -> str:
    """A place in the answer as messages name it; `""` is the root."""
    if not path:
        return "the root"
    return f"`{path}`" if len(path) <= _MAX_SHOWN else f"`{path[: _MAX_SHOWN - 1]}…`"


def describe(description: Any, moved: Mapping[str, Any]) -> str | None:
    """`description` with the keywords that the API does not take, as the model may still heed them.

    The form, `{minimum: 1, maxLength: 5}` after a blank line, is that of Anthropic's own SDKs
    (their `transform_schema`), with values in JSON.
    """
    parts = [description] if isinstance(description, str) and description else []
    if moved:
        pairs = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in moved.items())
        parts.append("{" + ", ".join(pairs) + "}")
    return "\n\n".join(parts) if parts else None
