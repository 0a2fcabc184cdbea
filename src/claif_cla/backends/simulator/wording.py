"""What the simulator says. Every text begins by saying that it is no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice

from claif_cla.backends.simulator.conversation import (
    Block,
    blocks_of,
    last_user_text,
    text_of,
    trailing_assistant,
)
from claif_cla.backends.simulator.rules.check import ValidRequest

__all__ = ["INTRODUCTION", "answer_text", "thinking_text"]

INTRODUCTION = "This is the claif_cla simulator, not a model."

_FILLER = "one two three four five six seven eight nine ten".split()
_MAX_QUOTE = 2000
_MEDIA = {"image": "image", "document": "document", "search_result": "search result"}


def answer_text(request: ValidRequest, words: int | None) -> str:
    """The visible text of an answer.

    Args:
        request: what is answered.
        words: how many words to write instead of the usual text.
    """
    if words is not None:
        start = INTRODUCTION.split()[:words]
        return " ".join([*start, *islice(cycle(_FILLER), words - len(start))])
    prefill = text_of(trailing_assistant(request.turns))
    if prefill:
        return f" … continued. {INTRODUCTION}"
    sentences = [INTRODUCTION]
    last = request.turns[-1]
    sentences += _about_results(request, last.blocks)
    said = last_user_text(request.turns)
    if said and (text_of(last.blocks) or len(sentences) == 1):
        sentences.append(f"You said: {_short(said)}")
    attached = Counter(_MEDIA[block["type"]] for block in last.blocks if block["type"] in _MEDIA)
    if attached:
        listed = ", ".join(_counted(kind, count) for kind, count in sorted(attached.items()))
        sentences.append(f"You attached: {listed}.")
    return " ".join(sentences)


def _about_results(request: ValidRequest, blocks: Sequence[Block]) -> list[str]:
    names = {
        block["id"]: block["name"]
        for turn in request.turns
        for block in turn.blocks
        if block["type"] == "tool_use"
    }
    sentences = []
    for block in blocks:
        if block["type"] == "tool_result":
            name = names.get(block["tool_use_id"], "?")
            verb = "failed with" if block.get("is_error") else "returned"
            text = text_of(blocks_of(block.get("content"))) or "nothing"
            sentences.append(f"The tool {name} {verb}: {_short(text)}")
    return sentences


def thinking_text(request: ValidRequest) -> str:
    """The text of a thinking block."""
    said = _short(last_user_text(request.turns)) or "nothing"
    return f"I am the simulator and think by rule. The user said: {said}"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…"


def _counted(kind: str, count: int) -> str:
    return f"1 {kind}" if count == 1 else f"{count} {kind}s"
