"""Hypothesis strategies for Claude's answers: whole Messages, and the streams that tell them.

message, events = draw(told_messages())     # two forms of one answer
TOOLS                                       # what the request of that answer offered
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import strategies as st

from claif_cla.translate.chat.tools import ToolBox, tool_box
from claif_cla.translate.receipts import Receipts

__all__ = ["JSON", "LEGACY", "STOP_REASONS", "TEXTS", "TOOLS", "events_of", "told_messages"]

_OBJECT = {"type": "object", "properties": {}}
_FUNCTIONS = [
    {"name": "plain", "parameters": _OBJECT},
    {"name": "not legal.", "parameters": _OBJECT},
    {"name": "wrapped", "parameters": {"type": "array", "items": {}}},
]

TOOLS: ToolBox = tool_box(
    {
        "tools": [
            *({"type": "function", "function": function} for function in _FUNCTIONS),
            {"type": "custom", "custom": {"name": "free"}},
        ]
    },
    Receipts(),
)
"""Plain, with a name that is illegal on the wire, with a wrapped schema, and free-form."""
LEGACY: ToolBox = tool_box({"functions": _FUNCTIONS}, Receipts())

STOP_REASONS = (
    "end_turn",
    "stop_sequence",
    "tool_use",
    "max_tokens",
    "model_context_window_exceeded",
    "refusal",
    "compaction",
    "of_the_future",
    None,
)
"""All but `pause_turn`, which the flow does not answer with but resumes."""

_LETTERS = st.sampled_from(
    ["a", "é", "漢", "👩", "\u2028", "\x85", '"', "\\", "\x00", "{", "\ufeff"]
)
TEXTS = st.lists(_LETTERS | st.sampled_from([" ", "\n"]) | st.characters(codec="utf-8")).map(
    "".join
)
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
_OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
_IDS = st.integers(0, 10**9).map("toolu_{}".format)
_COUNTS = st.integers(0, 10**6) | st.none()
_URLS = st.sampled_from(["https://e.x/a", "http://e.x", "doc.pdf", None])


def _blocks_of(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


_CITATIONS = st.lists(
    _blocks_of("web_search_result_location", url=_URLS, title=TEXTS | st.none(), cited_text=TEXTS)
    | _blocks_of("search_result_location", source=_URLS, title=TEXTS)
    | _blocks_of("char_location", document_index=st.integers(0, 3)),
    min_size=1,
    max_size=3,
)
_TEXT_BLOCKS = _blocks_of("text", text=TEXTS) | _blocks_of(
    "text", text=TEXTS, citations=st.none() | _CITATIONS
)
_THINKING_BLOCKS = _blocks_of(
    "thinking", thinking=TEXTS, signature=st.text("AZ+/=", max_size=9)
) | _blocks_of("redacted_thinking", data=st.text("AZ+/=", min_size=1))


def _tool_uses(name: str, inputs: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _blocks_of("tool_use", id=_IDS, name=st.just(name), input=inputs)


_CUSTOM = TOOLS.names.to_wire("free")
_WRAPPED = TOOLS.names.to_wire("wrapped")
_WRAPPING = TOOLS.wrapped[_WRAPPED]
_TOOL_USES = st.one_of(
    _tool_uses("plain", _OBJECTS),
    _tool_uses(TOOLS.names.to_wire("not legal."), _OBJECTS),
    _tool_uses(_WRAPPED, st.fixed_dictionaries({_WRAPPING: JSON}) | _OBJECTS),
    _tool_uses(_CUSTOM, st.fixed_dictionaries({"input": TEXTS}) | _OBJECTS),
    _tool_uses("never_offered", JSON.filter(lambda value: value is not None)),
)
_SILENT_BLOCKS = st.one_of(
    _blocks_of("server_tool_use", id=_IDS, name=st.just("web_search"), input=_OBJECTS),
    _blocks_of("web_search_tool_result", tool_use_id=_IDS, content=st.lists(_OBJECTS, max_size=2)),
    _blocks_of("compaction", content=TEXTS),
    _blocks_of("of_the_future", anything=JSON),
)
_BLOCKS = st.one_of(_TEXT_BLOCKS, _THINKING_BLOCKS, _TOOL_USES, _SILENT_BLOCKS)
_USAGES = st.fixed_dictionaries(
    {"input_tokens": _COUNTS, "output_tokens": _COUNTS},
    optional={
        "cache_read_input_tokens": _COUNTS,
        "cache_creation_input_tokens": _COUNTS,
        "service_tier": st.sampled_from(["standard", "batch"]),
        "output_tokens_details": st.fixed_dictionaries({"thinking_tokens": _COUNTS}),
        "server_tool_use": st.fixed_dictionaries({"web_search_requests": st.integers(0, 9)}),
    },
)


@st.composite
def _messages(draw: st.DrawFn) -> dict[str, Any]:
    stop_reason = draw(st.sampled_from(STOP_REASONS))
    content = draw(st.lists(_BLOCKS, max_size=6))
    if stop_reason == "max_tokens" and content and content[-1]["type"] == "tool_use":
        written = json.dumps(content[-1]["input"], ensure_ascii=False)
        cut = written[: draw(st.integers(1, len(written)))]
        if cut != written and not _is_json(cut):
            content[-1] |= {"input": {}, "partial_json": cut}
    details = {"type": "refusal", "category": draw(st.none() | st.just("cyber"))}
    return {
        "id": draw(st.just("msg_1") | st.none()),
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": "END" if stop_reason == "stop_sequence" else None,
        "stop_details": details if stop_reason == "refusal" else None,
        "usage": {key: n for key, n in draw(_USAGES).items() if n is not None},
    }


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@st.composite
def _pieces(draw: st.DrawFn, text: str) -> list[str]:
    """`text` cut anywhere, now and then in the middle of a character beyond U+FFFF."""
    if draw(st.booleans()):
        units = text.encode("utf-16-le", "surrogatepass")
        letters = [
            units[at : at + 2].decode("utf-16-le", "surrogatepass")
            for at in range(0, len(units), 2)
        ]
    else:
        letters = list(text)
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(letters)), max_size=4))), len(letters)]
    return ["".join(letters[a:b]) for a, b in itertools.pairwise(edges)]


@st.composite
def _opened(draw: st.DrawFn, block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and the deltas that complete it."""
    kind = block["type"]
    if kind == "text":
        start = {**block, "text": ""}
        deltas = [{"type": "text_delta", "text": p} for p in draw(_pieces(block["text"]))]
        if block.get("citations"):
            start["citations"] = []
            cited = [{"type": "citations_delta", "citation": c} for c in block["citations"]]
            deltas = draw(st.sampled_from([cited + deltas, deltas + cited]))
        return start, deltas
    if kind == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": p} for p in draw(_pieces(block["thinking"]))
        ]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {**block, "thinking": "", "signature": ""}, deltas
    if kind in ("tool_use", "server_tool_use"):
        if "partial_json" not in block and block["input"] and draw(st.booleans()):
            return dict(block), []  # some platforms send it so
        written = block.get("partial_json") or json.dumps(
            block["input"], ensure_ascii=draw(st.booleans())
        )
        if block["input"] == {} and "partial_json" not in block:
            written = draw(st.sampled_from(["", "{}"]))
        start = {key: block[key] for key in block if key != "partial_json"} | {"input": {}}
        pieces = ["", *draw(_pieces(written))]
        return start, [{"type": "input_json_delta", "partial_json": p} for p in pieces]
    if kind == "compaction" and draw(st.booleans()):
        delta = {"type": "compaction_delta", "content": block["content"]}
        return {**block, "content": None}, [delta]
    return dict(block), []


_NOISE = st.lists(
    st.sampled_from(
        [
            {"type": "ping"},
            {"type": "of_the_future", "index": 0},
            {
                "type": "content_block_delta",
                "index": 99,
                "delta": {"type": "text_delta", "text": "?"},
            },
        ]
    ),
    max_size=2,
)


@st.composite
def events_of(draw: st.DrawFn, message: dict[str, Any]) -> list[dict[str, Any]]:
    """A stream that tells `message`, with noise that must not be heard."""
    stop = ("stop_reason", "stop_sequence", "stop_details")
    start = {**message, **dict.fromkeys(stop), "content": []}
    start["usage"] = {**message["usage"], "output_tokens": 1}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    late: list[dict[str, Any]] = []
    for index, block in enumerate(message["content"]):
        opening, deltas = draw(_opened(block))
        told = [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        if block["type"] == "thinking" and draw(st.booleans()):
            late.append(told.pop())
        events.append({"type": "content_block_start", "index": index, "content_block": opening})
        events += told
        events.append({"type": "content_block_stop", "index": index})
    delta = {key: message[key] for key in stop}
    usage = {"output_tokens": message["usage"].get("output_tokens")}
    if usage["output_tokens"] is None:
        start["usage"].pop("output_tokens")
    events += late
    events.append({"type": "message_delta", "delta": delta, "usage": usage})
    events.append({"type": "message_stop"})
    noisy = events[:1]
    for event in events[1:]:
        noisy += [*draw(_NOISE), event]
    return noisy


@st.composite
def told_messages(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A Message, and a stream that tells it."""
    message = draw(_messages())
    return message, draw(events_of(message))
