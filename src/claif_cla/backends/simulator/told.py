"""What the system prompt asks for in place of a field that the model does not take.

Some models take no forced `tool_choice`, and none has a JSON mode without a schema. The client
asks for both in a sentence then, and a model would mostly obey; so the simulator does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from claif_cla.backends.simulator.conversation import blocks_of, last_user_text, text_of
from claif_cla.backends.simulator.rules.check import ValidRequest

__all__ = ["told_choice", "told_json", "told_schema"]

_CALL = re.compile(r"answer this turn by calling (?:the tool `(?P<name>[^`]+)`|one of the tools)")
_JSON = "single JSON object and nothing else"
_MARKS = ("properties", "$ref")
_MAX_TRIES = 100
"""How many braces are looked at: each try may read to the end of the text."""


def told_choice(request: ValidRequest) -> Mapping[str, Any] | None:
    """The `tool_choice` that the system prompt stands for, if it asks for a call."""
    asked = _CALL.search(_system(request))
    if asked is None:
        return None
    return {"type": "tool", "name": asked["name"]} if asked["name"] else {"type": "any"}


def told_json(request: ValidRequest) -> bool:
    """Whether the system prompt asks for a JSON object."""
    return _JSON in _system(request)


def told_schema(request: ValidRequest) -> Mapping[str, Any] | None:
    """The first JSON schema that the prompt shows: where it asks for JSON, that is its form."""
    shown = (*_objects(_system(request)), *_objects(last_user_text(request.turns)))
    return next((each for each in shown if any(mark in each for mark in _MARKS)), None)


def _system(request: ValidRequest) -> str:
    return text_of(blocks_of(request.payload.get("system")))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand in a text."""
    place = text.find("{")
    for _ in range(_MAX_TRIES):
        if place < 0:
            return
        try:
            found, end = json.JSONDecoder().raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield found
        place = text.find("{", end)
