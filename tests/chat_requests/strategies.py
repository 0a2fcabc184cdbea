"""Hypothesis strategies: chat requests as clients send them, and what accidents leave of them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from chat_requests.models import ALL_MODELS

__all__ = [
    "chat_requests",
    "conversations",
    "json_values",
    "mutilated_messages",
    "mutilated_requests",
    "next_rounds",
]

Json = dict[str, Any]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
PDF = "JVBERi0xLjQKJeLjz9MK"

texts = st.one_of(
    st.sampled_from(["q", "Hi there", "", " ", "\n", "x \n", "naïve ☕", "\ud83d cut", "{}"]),
    st.text(max_size=8),
)
words = texts.filter(lambda text: bool(text.strip()))
names = st.sampled_from(["f", "g", "mcp.notion.search pages", "a_b", "a.b", "x" * 150])
ids = st.sampled_from(["a", "b", "call_1", "functions.Bash:0", "a.b", "a_b", "ü"])
markers = st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"}])

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -1, 0, 1, 2**63]),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(
        ["", " ", "\ud800", "auto", "none", "function", "tool", "user", "text", "data:,"]
    ),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "text", "content", "role", "name", "id", "function", "x"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=fields)


def _parts() -> st.SearchStrategy[Json]:
    text = st.builds(lambda text: {"type": "text", "text": text}, texts)
    image = st.sampled_from(
        [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{PNG}"}},
            {"type": "image_url", "image_url": {"url": "https://e.x/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": "https://e.x/a.png"},
            {"type": "image_url", "image_url": {"url": "file-abc"}},
        ]
    )
    file = st.sampled_from(
        [
            {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
            {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain,hello"}},
            {"type": "file", "file": {"file_id": "file-1"}},
        ]
    )
    return st.one_of(text, text, image, file)


def _contents() -> st.SearchStrategy[Any]:
    return st.one_of(texts, st.lists(_parts(), max_size=3))


def _said(role: str) -> st.SearchStrategy[Json]:
    content = _contents() if role == "user" else texts
    fixed = {"role": st.just(role), "content": content}
    return st.fixed_dictionaries(fixed, optional={"name": st.just("ann")})


@st.composite
def _thinking(draw: Any) -> Json:
    signed = {"type": "thinking", "thinking": draw(texts), "signature": "c2ln"}
    return draw(
        st.sampled_from(
            [
                {},
                {"thinking_blocks": [signed]},
                {"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}, signed]},
                {"thinking_blocks": [{"type": "thinking", "thinking": "x"}]},
                {"reasoning_content": "hm"},
                {"reasoning_details": [{"type": "reasoning.text", "text": "x", "signature": "s"}]},
            ]
        )
    )


@st.composite
def _tool_round(draw: Any) -> list[Json]:
    """An assistant message with calls, and their results in any order, some missing or twice."""
    made, results = [], []
    for identifier in draw(st.lists(ids, min_size=1, max_size=3)):
        arguments = draw(st.sampled_from(["{}", '{"x": 1}', "", "no json", "[1]", '{"n": 1e400}']))
        function = {"name": draw(names), "arguments": arguments}
        made.append({"id": identifier, "type": "function", "function": function})
        result = {"role": "tool", "tool_call_id": identifier, "content": draw(_contents())}
        results += [result] * draw(st.sampled_from([1, 1, 1, 0, 2]))
    message = {"role": "assistant", "content": draw(st.none() | texts), "tool_calls": made}
    between = draw(st.lists(_said("system"), max_size=1))
    return [message | draw(_thinking()), *draw(st.permutations(results)), *between]


@st.composite
def _legacy_round(draw: Any) -> list[Json]:
    called = {"name": draw(names), "arguments": "{}"}
    message = {"role": "assistant", "content": None, "function_call": called}
    return [message, {"role": "function", "name": called["name"], "content": draw(texts)}]


@st.composite
def _spoken_round(draw: Any) -> list[Json]:
    content = draw(st.one_of(texts, st.lists(st.builds(_text_part, texts), max_size=2)))
    return [{"role": "assistant", "content": content} | draw(_thinking())]


def _text_part(text: str) -> Json:
    return {"type": "text", "text": text}


def _rounds() -> st.SearchStrategy[list[Json]]:
    """What may follow a user message."""
    return st.one_of(
        _spoken_round(),
        _tool_round(),
        _legacy_round(),
        st.lists(_said("user"), min_size=1, max_size=1),
        st.lists(_said("system"), min_size=1, max_size=1),
    )


@st.composite
def conversations(draw: Any) -> list[Json]:
    """Messages in every order that OpenAI takes; the last one is a user's with words."""
    opening = draw(st.lists(st.sampled_from(["system", "developer"]).flatmap(_said), max_size=2))
    first = draw(st.lists(_said("user"), max_size=1))
    rounds = draw(st.lists(_rounds(), max_size=4))
    last = {"role": "user", "content": draw(words)}
    return [*opening, *first, *(message for round_ in rounds for message in round_), last]


@st.composite
def next_rounds(draw: Any) -> list[Json]:
    """An assistant's turn with words or calls and their results, and a user's with words."""
    round_ = draw(st.one_of(_tool_round(), _legacy_round(), words.map(_answer)))
    return [*round_, {"role": "user", "content": draw(words)}]


def _answer(text: str) -> list[Json]:
    return [{"role": "assistant", "content": text}]


_SCHEMAS = st.sampled_from(
    [
        None,
        {},
        {
            "type": "object",
            "properties": {"x": {"type": "integer", "minimum": 1}},
            "required": ["x"],
        },
        {"type": "string"},
        {"type": "object", "properties": {"o": {"type": ["string", "null"]}}},
        {"anyOf": [{"type": "object", "properties": {}}, {"type": "object"}]},
        {
            "type": "object",
            "properties": {"n": {"$ref": "#/$defs/N"}},
            "$defs": {"N": {"type": "null"}},
        },
    ]
)


@st.composite
def _tools(draw: Any) -> list[Json]:
    made: list[Json] = []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        extras = draw(_optional(strict=st.booleans(), description=texts, cache_control=markers))
        # At most one marker among the tools, as the API takes four in all.
        if made:
            extras.pop("cache_control", None)
        function = {"name": name, "parameters": draw(_SCHEMAS), **extras}
        custom = {"name": name, "format": {"type": "text"}}
        made.append(
            draw(
                st.sampled_from(
                    [
                        {"type": "function", "function": function},
                        {"type": "custom", "custom": custom},
                    ]
                )
            )
        )
    return made


@st.composite
def _choices(draw: Any, tools: list[Json]) -> Json:
    tool = draw(st.sampled_from(tools))
    kind = tool["type"]
    named = {"type": kind, kind: {"name": tool[kind]["name"]}}
    allowed = {"mode": draw(st.sampled_from(["auto", "required"])), "tools": [named]}
    choices = ["auto", "none", "required", named]
    choices.append({"type": "allowed_tools", "allowed_tools": allowed})
    return draw(_optional(tool_choice=st.sampled_from(choices), parallel_tool_calls=st.booleans()))


_FORMATS = st.sampled_from(
    [
        {"type": "text"},
        {"type": "json_object"},
        {
            "type": "json_schema",
            "json_schema": {
                "name": "o",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {"a": {"type": "string", "maxLength": 5}},
                },
            },
        },
    ]
)
_EFFORTS = st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
_LABELS = texts | st.just("ann@example.com")

_PARAMS = _optional(
    max_tokens=st.integers(1, 200_000),
    max_completion_tokens=st.integers(1, 200_000),
    stop=st.one_of(texts, st.lists(texts, max_size=6)),
    temperature=st.sampled_from([0, 0.2, 1, 1.7, 2]),
    top_p=st.sampled_from([0, 0.5, 0.97, 1]),
    frequency_penalty=st.floats(-2, 2),
    presence_penalty=st.floats(-2, 2),
    verbosity=st.sampled_from(["low", "medium", "high"]),
    reasoning_effort=_EFFORTS,
    response_format=_FORMATS,
    stream=st.booleans(),
    stream_options=_optional(include_usage=st.booleans()),
    user=_LABELS,
    safety_identifier=_LABELS,
    metadata=st.sampled_from([{}, {"a": "b"}, {"user_id": "u"}]),
    prompt_cache_key=st.just("k"),
    prompt_cache_retention=st.sampled_from(["in_memory", "24h"]),
    prompt_cache_options=_optional(
        mode=st.sampled_from(["implicit", "explicit"]), ttl=st.just("30m")
    ),
    seed=st.integers(),
    store=st.booleans(),
    service_tier=st.sampled_from(["auto", "default", "flex", "priority"]),
    n=st.just(1),
    logprobs=st.just(False),
    logit_bias=st.just({}),
    modalities=st.just(["text"]),
    # Anthropic's own.
    thinking=st.sampled_from(
        [{"type": "adaptive"}, {"type": "disabled"}, {"type": "enabled", "budget_tokens": 2048}]
    ),
    top_k=st.integers(0, 40),
    speed=st.sampled_from(["standard", "fast"]),
    output_config=st.sampled_from([{"effort": "low"}, {}]),
    system=words,
)


@st.composite
def chat_requests(draw: Any) -> Json:
    """A request that OpenAI would take, with a Claude's name, as a fresh JSON value."""
    request = {"model": draw(st.sampled_from(ALL_MODELS)), "messages": draw(conversations())}
    request |= draw(_PARAMS)
    if draw(st.booleans()):
        tools = draw(_tools())
        request |= {"tools": tools} | draw(_choices(tools))
    if request.get("thinking", {}).get("budget_tokens"):
        request["max_tokens"] = 4096  # the API wants more than the budget
        request.pop("max_completion_tokens", None)
    return copy.deepcopy(request)


@st.composite
def mutilated_requests(draw: Any, *, bury: bool = True) -> Any:
    """A request with some of its values replaced by others or left out, and one buried deeply."""
    request = draw(chat_requests())
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_paths(request))))
        request = _replaced(request, path, draw(st.just(_GONE) | json_values))
    if bury and draw(st.booleans()):
        request = _replaced(request, draw(st.sampled_from(list(_paths(request)))), _BURIED)
    return request


@st.composite
def mutilated_messages(draw: Any) -> Any:
    """A conversation with some of its values replaced by others or left out."""
    messages = draw(conversations())
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_paths(messages))))
        messages = _replaced(messages, path, draw(st.just(_GONE) | json_values))
    return messages


_GONE = object()
_BURIED = object()
DEPTH = 600
"""More than half of what Python's JSON takes, so that it is too deep in some places only."""


def _paths(value: Any) -> Any:
    yield ()
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        for path in _paths(inner):
            yield (key, *path)


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return _buried(value) if new is _BURIED else (None if new is _GONE else new)
    key, *rest = path
    changed = copy.copy(value)
    if new is _GONE and not rest:
        del changed[key]
    else:
        changed[key] = _replaced(value[key], tuple(rest), new)
    return changed


def _buried(value: Any) -> Any:
    for _ in range(DEPTH // 2):
        value = {"type": [value]}
    return value
