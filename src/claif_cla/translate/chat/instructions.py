"""Parameters that Claude has no field for and that a sentence can stand in for.

The sentences are fixed texts in bands, so that the same request always gives the same bytes;
together they make one system block after the caller's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = ["frequency_penalty_patch", "presence_penalty_patch", "verbosity_patch"]

_WEAK, _STRONG = 0.7, 1.4
"""Bounds of the bands of OpenAI's range from -2 to 2."""

_FREQUENCY = {
    True: (
        "Lightly avoid repeating the same words and phrases.",
        "Avoid repeating the same words and phrases; vary your wording.",
        "Never repeat the same words and phrases where another wording exists.",
    ),
    False: (
        "You may repeat the same words and phrases.",
        "Prefer repeating the same words and phrases over varying them.",
        "Keep to the same words and phrases and repeat them consistently.",
    ),
}
_PRESENCE = {
    True: (
        "Feel free to bring up new aspects.",
        "Bring up new aspects and topics rather than returning to those already mentioned.",
        "Always move on to new aspects and topics; do not return to those already mentioned.",
    ),
    False: (
        "Mostly stay with the topics already mentioned.",
        "Stay with the topics already mentioned rather than bringing up new ones.",
        "Keep strictly to the topics already mentioned; bring up no new ones.",
    ),
}
_VERBOSITY = {
    "low": "Answer tersely, with nothing that the answer does not need.",
    "high": "Answer at length, with details and explanations.",
}


def frequency_penalty_patch(value: Any, context: Context) -> dict[str, Any]:
    """A number from -2 to 2 as a sentence about repetition, with a receipt."""
    return _penalty(value, "frequency_penalty", _FREQUENCY, context)


def presence_penalty_patch(value: Any, context: Context) -> dict[str, Any]:
    """A number from -2 to 2 as a sentence about new topics, with a receipt."""
    return _penalty(value, "presence_penalty", _PRESENCE, context)


def _penalty(
    value: Any, name: str, sentences: Mapping[bool, tuple[str, ...]], context: Context
) -> dict[str, Any]:
    penalty = checks.number(value, name, -2, 2)
    if penalty:
        band = (abs(penalty) >= _WEAK) + (abs(penalty) >= _STRONG)
        sentence = sentences[penalty > 0][band]
        context.receipts.adapt(name, f"Claude has no such number; it is told: {sentence}")
        context.instructions.append(sentence)
    return {}


def verbosity_patch(value: Any, context: Context) -> dict[str, Any]:
    """`low` and `high` as a sentence about length; `medium` is what Claude does anyway.

    `output_config.effort` would shorten answers too, but it shortens thinking with them.
    """
    level = checks.one_of(value, "verbosity", ("low", "medium", "high"))
    if level in _VERBOSITY:
        sentence = _VERBOSITY[level]
        context.receipts.adapt("verbosity", f"Claude has no such field; it is told: {sentence}")
        context.instructions.append(sentence)
    return {}
