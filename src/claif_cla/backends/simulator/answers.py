"""A draft cut to its limits and made a Message, with its usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from claif_cla.backends.simulator.drafts import Draft, draft_answer
from claif_cla.backends.simulator.ids import make_id
from claif_cla.backends.simulator.prompt_cache import CacheUsage
from claif_cla.backends.simulator.rules.check import ValidRequest
from claif_cla.backends.simulator.signatures import Signer
from claif_cla.backends.simulator.tokens import BYTES_PER_TOKEN, count_text
from claif_cla.wire.json_text import dump_text

__all__ = ["BINDING_BETA", "Answer", "make_answer"]

BINDING_BETA = "thinking-binding-controls-2026-08-01"
"""With this beta a message lists the thinking blocks that were dropped from the request."""

_CALL_TOKENS = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer.

    Attributes:
        message: the Message, as a request without streaming gets it.
        cut_json: where `max_tokens` fell into the input of the last tool call: its text so
            far, which a stream shows and the Message can't.
        whole: whether a stream brings the Message in one event.
    """

    message: Mapping[str, Any]
    cut_json: str | None = None
    whole: bool = False

    @property
    def output_tokens(self) -> int:
        """Tokens of the answer, thinking included."""
        return int(self.message["usage"]["output_tokens"])


@dataclass(slots=True)
class _Limits:
    """Fits blocks into what is left of the tokens, and stops at stop sequences."""

    tokens_left: int
    stop_sequences: Sequence[str]
    spent: int = 0
    stop_reason: str | None = None
    stop_sequence: str | None = None
    cut_json: str | None = None

    def fit(self, block: Mapping[str, Any], thinking_tokens: int) -> dict[str, Any] | None:
        """The block, or what of it still fits; None where nothing does."""
        kind = block["type"]
        if kind == "text":
            return self._fit_text(block)
        if kind == "thinking":
            return self._fit_whole(block, thinking_tokens, cut={"thinking": block["thinking"]})
        if kind in ("tool_use", "server_tool_use"):
            text = dump_text(block["input"])
            cost = _CALL_TOKENS + count_text(text)
            if kind == "tool_use" and _CALL_TOKENS < self.tokens_left < cost:
                self.cut_json = _cut(text, self.tokens_left - _CALL_TOKENS)
            return self._fit_whole(block, cost, cut={"input": {}})
        return dict(block)

    def _fit_text(self, block: Mapping[str, Any]) -> dict[str, Any] | None:
        text = str(block["text"])
        found = [(text.find(s), s) for s in self.stop_sequences if s in text]
        sequence = None
        if found:
            place, sequence = min(found)
            text = text[:place]
        cost = count_text(text)
        if cost > self.tokens_left:
            text, cost, sequence = _cut(text, self.tokens_left), self.tokens_left, None
            self.stop_reason = "max_tokens"
        elif sequence is not None:
            self.stop_reason, self.stop_sequence = "stop_sequence", sequence
        self._spend(cost)
        return {**block, "text": text} if text else None

    def _fit_whole(
        self, block: Mapping[str, Any], cost: int, cut: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        if cost <= self.tokens_left:
            self._spend(cost)
            return dict(block)
        left = self.tokens_left
        self._spend(left)
        self.stop_reason = "max_tokens"
        if block["type"] == "tool_use" and self.cut_json is None:
            return None
        return {**block, **cut} if left else None

    def _spend(self, cost: int) -> None:
        self.tokens_left -= cost
        self.spent += cost


def _cut(text: str, tokens: int) -> str:
    """The start of a text that is so many tokens long."""
    data = text.encode("utf-8", "replace")[: tokens * BYTES_PER_TOKEN]
    return data.decode("utf-8", "ignore")


def make_answer(request: ValidRequest, cache: CacheUsage, signer: Signer, seed: bytes) -> Answer:
    """Answer a request.

    Args:
        request: a request that broke no rule.
        cache: how its prompt divides.
        signer: signs thinking.
        seed: bytes that stand for the request.
    """
    payload, model = request.payload, request.model
    draft = draft_answer(request, signer, seed)
    window_left = max(0, model.context_window - cache.total)
    limits = _Limits(
        min(int(payload["max_tokens"]), window_left), payload.get("stop_sequences") or ()
    )
    blocks: list[dict[str, Any]] = []
    for block in draft.blocks:
        fitted = limits.fit(block, draft.thinking_tokens)
        if fitted is not None:
            blocks.append(fitted)
        if limits.stop_reason is not None:
            break
    reason = limits.stop_reason or draft.stop_reason
    if payload["max_tokens"] == 0:
        reason = "max_tokens"
    elif reason == "max_tokens" and window_left < payload["max_tokens"]:
        reason = "model_context_window_exceeded"
    message: dict[str, Any] = {
        "model": model.id,
        "id": make_id("msg", seed),
        "type": "message",
        "role": "assistant",
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": limits.stop_sequence,
        "stop_details": draft.stop_details if reason == "refusal" else None,
        "usage": _usage(payload, cache, draft, limits.spent),
    }
    if draft.container is not None:
        message["container"] = draft.container
    if BINDING_BETA in request.betas:
        message["input_transformations"] = [dict(entry) for entry in request.transformations]
    return Answer(message, limits.cut_json, draft.whole)


def _usage(
    payload: Mapping[str, Any], cache: CacheUsage, draft: Draft, spent: int
) -> dict[str, Any]:
    served = {f"{name}_requests": draft.uses(name) for name in ("web_search", "web_fetch")}
    if draft.whole:  # the program goes on, and Claude wrote nothing
        return {"input_tokens": 0, "output_tokens": 0, "server_tool_use": served}
    # A real answer is billed a token even where it shows nothing.
    output = spent if spent or payload["max_tokens"] == 0 else 1
    usage: dict[str, Any] = {
        "input_tokens": cache.uncached,
        "cache_creation_input_tokens": cache.written,
        "cache_read_input_tokens": cache.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cache.written_5m,
            "ephemeral_1h_input_tokens": cache.written_1h,
        },
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": min(draft.thinking_tokens, output)},
        "service_tier": "standard",
        "inference_geo": payload.get("inference_geo") or "global",
    }
    if any(block["type"].endswith("_tool_result") for block in draft.blocks):
        usage["server_tool_use"] = served
    if payload.get("speed"):
        usage["speed"] = payload["speed"]
    return usage
